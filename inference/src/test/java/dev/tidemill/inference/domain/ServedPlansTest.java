package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.inference.api.PlaneJson;
import dev.tidemill.inference.domain.ServedPlans.Serving;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServedPlansTest {
    /** Holds another as a graph holds its parts. */
    private static final class Echo extends FunctionModel {
        private final Optional<ModelHandle> part;

        private Echo(Optional<ModelHandle> part) {
            super(x -> x);
            this.part = part;
        }

        @Override
        public boolean isStale() {
            return part.filter(ModelHandle::isRetired).isPresent();
        }

        @Override
        public void close() {
            super.close();
            part.ifPresent(ModelHandle::close);
        }
    }

    private static final List<Tensor> X = List.of(ColumnValues.column("x", List.of(1.0)));

    @TempDir
    Path directory;

    private final List<Echo> made = new ArrayList<>();
    /** What the model of a file "graph" calls. */
    private @Nullable ServedVersion part;

    private final CountDownLatch loading = new CountDownLatch(1);
    private final CountDownLatch slow = new CountDownLatch(1);
    private BlobStore blobs;
    private ModelCache cache;
    private ServedPlans plans;

    @BeforeEach
    void start() {
        blobs = new FolderBlobStore(directory);
        cache = new ModelCache(blobs, new NoInspection(), List.of(this::open), folder -> Optional.empty(), 100_000);
        plans = new ServedPlans(cache);
    }

    @AfterEach
    void stop() {
        slow.countDown();
        cache.close();
    }

    private Optional<LoadedModel> open(ModelFolder folder) {
        if (folder.has("broken")) {
            throw folder.unusable("it is broken");
        }
        if (folder.has("slow")) {
            try {
                slow.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        if (folder.has("late") && !folder.version().trusted()) {
            loading.countDown();
            try {
                slow.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            throw folder.unusable("it is held until somebody trusts its code");
        }
        if (folder.has("code") && !folder.version().trusted()) {
            throw folder.unusable("it is held until somebody trusts its code");
        }
        var model = new Echo(
                Optional.ofNullable(part).filter(known -> folder.has("graph")).map(cache::acquire));
        made.add(model);
        return Optional.of(model);
    }

    private static ServedVersion trusted(ServedVersion version, boolean network) {
        return new ServedVersion(
                version.project(), version.model(), version.version(), version.folder(), true, network);
    }

    private ServedVersion version(String file, int number) {
        Folder folder = Folder.store(blobs, Map.of(file, ("model " + number).getBytes(StandardCharsets.UTF_8)));
        return new ServedVersion("default", "m", number, folder.digest(), false);
    }

    private static ServingPlan plan(String name, long revision, ServedVersion champion, ServedVersion... challenger) {
        return new ServingPlan(
                "default",
                name,
                revision,
                champion,
                List.of(challenger).stream().findFirst().map(version -> new ServingPlan.Challenger(version, 0.5)),
                false,
                InputPolicy.REFUSE);
    }

    private int served(String name) {
        return Objects.requireNonNull(plans.find("default", name))
                .plan()
                .champion()
                .version();
    }

    @Test
    void aChallengerThatCannotBeLoadedKeepsNobodyFromTheChampion() {
        Optional<RuntimeException> problem = plans.apply(plan("d", 1, version("model", 1), version("broken", 2)));
        assertThat(problem.orElseThrow()).hasMessageContaining("it is broken");
        assertThat(served("d")).isEqualTo(1);
        assertThat(Objects.requireNonNull(plans.find("default", "d")).plan().challenger())
                .isEmpty();
    }

    @Test
    void aLoadThatFailsLateDoesNotCloseWhatANewerPlanServes() throws Exception {
        ServedVersion version = version("late", 1);
        var failure = new AtomicReference<RuntimeException>();
        Thread early = Thread.ofPlatform().start(() -> {
            try {
                plans.apply(plan("d", 1, version));
            } catch (RuntimeException e) {
                failure.set(e);
            }
        });
        loading.await();
        plans.apply(plan("d", 2, trusted(version, false)));
        assertThat(served("d")).isEqualTo(1);
        slow.countDown();
        early.join();
        assertThat(failure.get()).hasMessageContaining("held until somebody trusts");
        assertThat(served("d")).isEqualTo(1);
        assertThat(plans.absence("default", "d")).isNull();
    }

    @Test
    void aChampionThatCannotBeLoadedLeavesWhatWasServedBefore() {
        plans.apply(plan("d", 1, version("model", 1)));
        assertThatThrownBy(() -> plans.apply(plan("d", 2, version("broken", 2))))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("it is broken");
        assertThat(served("d")).isEqualTo(1);
        assertThat(plans.snapshot().plans())
                .as("what others are told to serve is what is wanted")
                .extracting(ServingPlan::revision)
                .containsExactly(2L);
    }

    @Test
    void ofASnapshotEachPlanIsTakenUpByItself() {
        plans.apply(plan("gone", 1, version("model", 9)));
        Map<String, String> problems = plans.replaceAll(new PlanSnapshot(
                List.of(
                        plan("a", 1, version("broken", 1)),
                        plan("b", 1, version("slow", 2)),
                        plan("c", 1, version("model", 3))),
                List.of()));
        assertThat(problems.keySet()).containsExactlyInAnyOrder("default~a", "default~b");
        assertThat(served("c")).isEqualTo(3);
        assertThat(plans.find("default", "gone")).isNull();
        assertThat(Objects.requireNonNull(plans.absence("default", "a")).reason())
                .contains("it is broken");
        assertThat(Objects.requireNonNull(plans.absence("default", "b")).reason())
                .isEqualTo(Gateway.LOADING);
        assertThat(plans.absence("default", "c")).isNull();
        assertThat(plans.absence("default", "gone")).isNull();
    }

    @Test
    void aNameIsVacantUntilThereIsAPlanForItAndOthersAreTold() {
        var vacancy = new Vacancy("default", "d", "m");
        String before = plans.snapshot().version();
        plans.vacant(vacancy);
        assertThat(plans.vacancy("default", "d")).isEqualTo(vacancy);
        assertThat(plans.snapshot().vacancies()).containsExactly(vacancy);
        assertThat(plans.snapshot().version()).isNotEqualTo(before);
        plans.apply(plan("d", 1, version("model", 1)));
        assertThat(plans.vacancy("default", "d")).isNull();
        plans.vacant(vacancy);
        assertThat(plans.vacancy("default", "d"))
                .as("whoever read it before its first champion comes too late")
                .isNull();
        plans.forget("default", "d");
        plans.vacant(vacancy);
        plans.forget("default", "d");
        assertThat(plans.vacancy("default", "d")).isNull();
    }

    @Test
    void aSnapshotTellsWhichNamesAreVacant() {
        var vacancy = new Vacancy("default", "d", "m");
        plans.apply(plan("d", 7, version("model", 1)));
        plans.vacant(new Vacancy("default", "gone", "m"));
        plans.replaceAll(new PlanSnapshot(List.of(), List.of(vacancy)));
        assertThat(plans.find("default", "d")).as("deleted and made anew").isNull();
        assertThat(plans.vacancy("default", "d")).isEqualTo(vacancy);
        assertThat(plans.vacancy("default", "gone")).isNull();
        assertThat(PlaneJson.snapshot(PlaneJson.snapshot(plans.snapshot()))).isEqualTo(plans.snapshot());
    }

    @Test
    void whatIsForgottenIsNeitherServedNorWanted() {
        plans.apply(plan("d", 1, version("model", 1)));
        plans.forget("default", "d");
        assertThat(plans.find("default", "d")).isNull();
        assertThat(plans.snapshot().plans()).isEmpty();
    }

    /** Begins to take a plan up whose model cannot be loaded before {@code slow} is counted down. */
    private Thread loading(ServingPlan plan) {
        Thread thread = Thread.ofVirtual().start(() -> plans.apply(plan));
        Await.until("the plan to be wanted", () -> plans.snapshot().plans().contains(plan));
        return thread;
    }

    @Test
    void whatIsForgottenWhileItLoadsIsNotServedOnceItIsLoaded() throws Exception {
        Thread loading = loading(plan("d", 1, version("slow", 1)));
        plans.forget("default", "d");
        slow.countDown();
        loading.join();
        assertThat(plans.find("default", "d")).isNull();
    }

    @Test
    void whatANewerSnapshotDoesNotHoldIsNotServedOnceItIsLoaded() throws Exception {
        Thread loading = loading(plan("d", 1, version("slow", 1)));
        plans.replaceAll(new PlanSnapshot(List.of(plan("other", 1, version("model", 2))), List.of()));
        slow.countDown();
        loading.join();
        assertThat(plans.find("default", "d")).isNull();
        assertThat(served("other")).isEqualTo(2);
    }

    @Test
    void aDeploymentThatWasMadeAnewIsServedWhateverTheRevisionOfTheOldOne() throws Exception {
        plans.apply(plan("d", 7, version("model", 1)));
        plans.replaceAll(new PlanSnapshot(List.of(plan("d", 1, version("model", 2))), List.of()));
        assertThat(served("d")).isEqualTo(2);
        Thread loading = loading(plan("e", 1, version("slow", 3)));
        plans.forget("default", "e");
        plans.apply(plan("e", 1, version("model", 4)));
        slow.countDown();
        loading.join();
        assertThat(served("e")).isEqualTo(4);
    }

    @Test
    void whatNobodyTrustsAnyMoreIsNotServedOnAndIsClosed() {
        ServedVersion held = version("code", 1);
        plans.apply(plan("d", 1, trusted(held, false)));
        ModelHandle inUse = cache.acquire(trusted(held, false));
        assertThatThrownBy(() -> plans.apply(plan("d", 1, held))).hasMessageContaining("it is held");
        assertThat(plans.find("default", "d")).isNull();
        assertThat(Objects.requireNonNull(plans.absence("default", "d")).reason())
                .contains("it is held until somebody trusts its code");
        assertThat(made.getFirst().isClosed()).as("a call is not cut off").isFalse();
        inUse.close();
        assertThat(made.getFirst().isClosed()).isTrue();
        // Trusted again it is served again, from its files.
        plans.apply(plan("d", 1, trusted(held, false)));
        assertThat(served("d")).isEqualTo(1);
        assertThat(plans.absence("default", "d")).isNull();
        assertThat(made).hasSize(2);
    }

    @Test
    void anotherVersionWithTheSameFilesKeepsItsOwnTrust() {
        ServedVersion held = version("code", 1);
        var copy = new ServedVersion("other", "copy", 1, held.folder(), true);
        plans.apply(plan("d", 1, trusted(held, false)));
        plans.apply(plan("e", 1, copy));
        plans.trustChanged(held);
        Serving other = Objects.requireNonNull(plans.find("default", "e"));
        other.champion().call(X, CallContext.NONE);
        assertThat(plans.isStale("default", "e")).isFalse();
        assertThat(plans.isStale("default", "d")).isTrue();
    }

    @Test
    void aChallengerThatNobodyTrustsAnyMoreLeavesTheChampionAlone() {
        ServedVersion champion = version("model", 1);
        ServedVersion held = version("code", 2);
        plans.apply(plan("d", 1, champion, trusted(held, true)));
        assertThat(plans.apply(plan("d", 1, champion, held))).isPresent();
        assertThat(served("d")).isEqualTo(1);
        assertThat(Objects.requireNonNull(plans.find("default", "d")).plan().challenger())
                .isEmpty();
        assertThat(made).extracting(FunctionModel::isClosed).containsExactly(false, true);
    }

    @Test
    void whatMayDoLessIsLoadedAnewAndThatWhichMayDoMoreIsClosed() {
        ServedVersion held = version("code", 1);
        plans.apply(plan("d", 1, trusted(held, true)));
        plans.apply(plan("d", 1, trusted(held, false)));
        assertThat(served("d")).isEqualTo(1);
        assertThat(made).extracting(FunctionModel::isClosed).containsExactly(true, false);
        // What is data goes on without trust.
        ServedVersion data = version("model", 2);
        plans.apply(plan("e", 1, trusted(data, false)));
        plans.apply(plan("e", 1, data));
        assertThat(served("e")).isEqualTo(2);
        assertThat(made).extracting(FunctionModel::isClosed).containsExactly(true, false, true, false);
    }

    @Test
    void aVersionThatWasServedWhileItsSuccessorCannotBeLoadedIsGoneTooWithItsTrust() {
        ServedVersion held = version("code", 1);
        plans.apply(plan("d", 1, trusted(held, false)));
        assertThatThrownBy(() -> plans.apply(plan("d", 2, version("broken", 2))))
                .hasMessageContaining("it is broken");
        assertThat(served("d")).isEqualTo(1);
        plans.trustChanged(held);
        assertThat(plans.find("default", "d")).isNull();
        assertThat(plans.absence("default", "d")).isNotNull();
        assertThat(made.getFirst().isClosed()).isTrue();
    }

    @Test
    void aModelThatCallsOneThatNobodyTrustsAnyMoreIsLoadedAnew() {
        ServedVersion held = version("code", 1);
        ServedVersion graph = version("graph", 2);
        part = trusted(held, false);
        plans.apply(plan("d", 1, graph));
        assertThat(plans.isStale("default", "d")).isFalse();
        ModelHandle called = cache.acquire(trusted(held, false));
        called.call(X, CallContext.NONE);
        plans.trustChanged(held);
        assertThatThrownBy(() -> called.call(X, CallContext.NONE))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        assertThat(plans.isStale("default", "d")).isTrue();
        part = held;
        assertThatThrownBy(() -> plans.apply(plan("d", 1, graph))).hasMessageContaining("it is held");
        part = trusted(held, false);
        plans.apply(plan("d", 1, graph));
        assertThat(plans.isStale("default", "d")).isFalse();
    }

    @Test
    void aNameThatIsNoDeploymentStandsForWhatIsTrustedNow() {
        ServedVersion held = version("code", 1);
        var registered = new AtomicReference<ServedVersion>(trusted(held, false));
        var repository = new ModelRepository(
                new ModelCatalog() {
                    @Override
                    public Optional<ServedVersion> find(String project, String name, Optional<String> version) {
                        return Optional.ofNullable(registered.get());
                    }

                    @Override
                    public List<ServedVersion> list(String project) {
                        return List.of();
                    }
                },
                cache);
        ServedVersion known = repository.resolve("default", "m", Optional.empty());
        repository.hold("default", "m", Optional.empty(), known).close();
        registered.set(held);
        repository.trustChanged(held);
        ServedVersion now = repository.resolve("default", "m", Optional.empty());
        assertThat(now).isEqualTo(held);
        assertThatThrownBy(() -> repository.hold("default", "m", Optional.empty(), now))
                .hasMessageContaining("it is held");
    }

    @Test
    void replicasHearOfAllThatAPlanSays() {
        ServedVersion version = version("model", 1);
        ServingPlan plan = plan("d", 1, version);
        var versions = java.util.stream.Stream.of(
                        plan,
                        plan("d", 1, trusted(version, false)),
                        plan("d", 1, trusted(version, true)),
                        plan("d", 1, version, version("model", 2)),
                        new ServingPlan("default", "d", 1, version, Optional.empty(), false, InputPolicy.WARN))
                .map(one -> new PlanSnapshot(List.of(one), List.of()).version())
                .toList();
        assertThat(versions).doesNotHaveDuplicates();
        assertThat(new PlanSnapshot(List.of(plan), List.of()).version()).isEqualTo(versions.getFirst());
        assertThat(dev.tidemill.inference.api.PlaneJson.snapshot(dev.tidemill.inference.api.PlaneJson.snapshot(
                                new PlanSnapshot(
                                        List.of(plan("d", 1, trusted(version, true), version("model", 2))), List.of())))
                        .version())
                .isEqualTo(new PlanSnapshot(
                                List.of(plan("d", 1, trusted(version, true), version("model", 2))), List.of())
                        .version());
    }
}
