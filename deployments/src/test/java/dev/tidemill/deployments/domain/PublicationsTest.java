package dev.tidemill.deployments.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.FeatureLookup;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelCache;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.PayloadLog;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.domain.Route;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.registry.RegisteredModels;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelInspector;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.store.SqlModelStore;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.TestDatabase;
import dev.tidemill.testkit.store.ForwardingDatabase;
import dev.tidemill.training.domain.Incumbents;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PublicationsTest {
    private static final List<String> DOMAINS = List.of("platform", "artifacts", "registry", "deployments");
    private static final Duration NEVER = Duration.ofHours(1);
    private static final Duration SOON = Duration.ofMillis(20);
    private static final int TOGETHER = 4;
    private static final Instant TRAINED_UNTIL = Instant.parse("2026-02-01T00:00:00Z");
    private static final ModelInspector INSPECTOR = new ModelInspector() {
        @Override
        public ModelFiles inspect(Folder folder) {
            throw new AssertionError("nothing asks for it");
        }

        @Override
        public ModelDescription describe(Folder folder) {
            return new ModelDescription(Map.of(), Optional.empty());
        }
    };

    /** Answers its input. */
    private static final class Echo implements LoadedModel {
        @Override
        public String platform() {
            return "echo";
        }

        @Override
        public List<TensorSpec> inputs() {
            return List.of(TensorSpec.column("x", Datatype.FP64, false));
        }

        @Override
        public List<TensorSpec> outputs() {
            return inputs();
        }

        @Override
        public List<Tensor> predict(List<Tensor> given) {
            return given;
        }

        @Override
        public long bytes() {
            return 1;
        }

        @Override
        public void close() {}
    }

    @TempDir
    Path directory;

    private final CountDownLatch slow = new CountDownLatch(1);
    private final AtomicInteger begun = new AtomicInteger();
    private volatile boolean mended;

    private Database database;
    private ArtifactsModule artifacts;
    private SqlModelStore versions;
    private SqlDeploymentStore store;
    private Models models;
    private ModelCache cache;
    private PredictionJournal journal;
    private Gateway gateway;
    private Publications publications;
    private int number;

    @BeforeEach
    void assemble() {
        Clock clock = Clock.systemUTC();
        database = TestDatabase.sqlite(DOMAINS);
        artifacts = new ArtifactsModule(
                database,
                directory.resolve("artifacts"),
                1 << 20,
                List.of(ArtifactsModule.SCHEMA),
                "mlflow-artifacts:",
                Map.of(),
                new DeletionHold(),
                clock);
        versions = new SqlModelStore(database);
        models = new Models(versions, artifacts.tree(), database, new SqlEventLog(database, clock), clock);
        cache = new ModelCache(artifacts.blobs(), INSPECTOR, List.of(this::open), folder -> Optional.empty(), 1_000);
        journal = new PredictionJournal(batch -> new PredictionSink.Taken(batch.size(), List.of()));
        gateway = new Gateway(cache, new RegisteredModels(models), journal, PayloadLog.NONE, FeatureLookup.NONE, clock);
        store = new SqlDeploymentStore(database);
        publications = new Publications(store, models, gateway, clock);
        versions.insertModel("p", "m", "", Instant.EPOCH);
    }

    private Optional<LoadedModel> open(ModelFolder folder) {
        begun.incrementAndGet();
        if (folder.has("broken") && !mended) {
            throw folder.unusable("it is broken");
        }
        if (folder.has("error") && !mended) {
            throw new NoClassDefFoundError("for the test");
        }
        if (folder.has("slow")) {
            try {
                slow.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        return Optional.of(new Echo());
    }

    private void setPauses(Duration firstPause, Duration turn) {
        publications.close();
        publications = new Publications(store, models, gateway, Clock.systemUTC(), firstPause, turn);
    }

    @AfterEach
    void takeApart() {
        slow.countDown();
        publications.close();
        gateway.close();
        journal.close();
        cache.close();
        database.close();
    }

    /** A deployment of a version of its own, in whose folder there is one file. */
    private Deployment deployment(String name, String file) {
        return deployment(name, file, "model " + (number + 1));
    }

    private Deployment deployment(String name, String file, String contents) {
        number++;
        Folder folder = Folder.store(artifacts.blobs(), Map.of(file, contents.getBytes(StandardCharsets.UTF_8)));
        versions.insert(new ModelVersion(
                "p",
                "m",
                number,
                ModelVersion.Stage.NONE,
                "",
                "mlflow-artifacts:/x",
                "mlflow-artifacts:/y",
                "",
                Optional.empty(),
                Optional.of(folder.digest()),
                new Signature(List.of(new Signature.Field("x", "double")), List.of()),
                Map.of(),
                Map.of(),
                Optional.empty(),
                List.of(),
                "",
                "",
                Optional.of(TRAINED_UNTIL),
                "test-" + number,
                "user:ada",
                Instant.EPOCH,
                Instant.EPOCH,
                Map.of(),
                Optional.empty()));
        var definition =
                new Deployment.Definition("m", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        store.define("p", name, definition);
        var deployment = new Deployment(
                "p",
                name,
                definition,
                store.find("p", name).orElseThrow().revision() + 1,
                Optional.of(number),
                Optional.empty(),
                Optional.empty(),
                Deployment.Phase.NONE,
                0,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        assertThat(store.save(deployment)).isTrue();
        return deployment;
    }

    private InferenceAnswer answer(String name, Optional<String> version) {
        var request = InferenceRequest.of(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(Tensor.column("x", List.of(1.0))),
                Instant.EPOCH);
        return gateway.infer("p", name, version, request);
    }

    private void assertVacant(String name) {
        for (Optional<String> version :
                List.of(Optional.<String>empty(), Optional.of("champion"), Optional.of("challenger"))) {
            assertThatThrownBy(() -> answer(name, version)).isInstanceOfSatisfying(TidemillException.class, refusal -> {
                assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE);
                assertThat(refusal.message()).isEqualTo("Deployment '" + name + "' has no champion yet");
            });
        }
        assertThat(gateway.isReady("p", name, Optional.empty())).isFalse();
        assertThat(gateway.index("p")).anySatisfy(entry -> {
            assertThat(entry.name()).isEqualTo(name);
            assertThat(entry.ready()).isFalse();
            assertThat(entry.reason()).contains("no champion");
        });
    }

    @Test
    void aNameWithoutAChampionIsRefusedThoughAModelIsRegisteredUnderIt() {
        deployment("other", "model");
        assertThat(answer("m", Optional.empty()).route())
                .as("no deployment has the name")
                .isEqualTo(Route.REGISTERED);
        var definition =
                new Deployment.Definition("m", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        store.define("p", "m", definition);
        Deployment empty = store.find("p", "m").orElseThrow();
        publications.publish(List.of(empty));
        assertVacant("m");
        assertThat(state(empty)).isEqualTo(Publications.State.EMPTY);
        InferenceAnswer chosen = answer("m", Optional.of("1"));
        assertThat(chosen.version().version()).isEqualTo(1);
        assertThat(chosen.route()).as("the caller has chosen it").isEqualTo(Route.REGISTERED);
        assertThatThrownBy(() -> gateway.unload("p", "m")).hasMessageContaining("is a deployment");

        publications.forget();
        gateway.forgetAll();
        publications.publishAll(List.of(empty));
        assertVacant("m");

        Deployment filled = deployment("m", "model");
        publications.publish(List.of(filled));
        awaitState(filled, Publications.State.SERVING);
        assertThat(answer("m", Optional.empty()).route()).isEqualTo(Route.CHAMPION);
        publications.publish(List.of(empty));
        assertThat(answer("m", Optional.empty()).route())
                .as("whoever read it before its first champion comes too late")
                .isEqualTo(Route.CHAMPION);
    }

    @Test
    void aNameThatIsDefinedAnewBeforeTheOldOneIsWithdrawnStaysTaken() {
        Deployment first = deployment("m", "model");
        publications.publish(List.of(first));
        awaitState(first, Publications.State.SERVING);
        store.delete("p", "m", Instant.EPOCH);
        store.define("p", "m", first.definition());
        Deployment anew = store.find("p", "m").orElseThrow();
        publications.publish(List.of(anew));
        publications.withdraw("p", "m");
        assertVacant("m");
        store.delete("p", "m", Instant.EPOCH);
        publications.withdraw("p", "m");
        assertThat(answer("m", Optional.empty()).route()).isEqualTo(Route.REGISTERED);
        publications.publish(List.of(anew));
        assertThat(answer("m", Optional.empty()).route())
                .as("whoever read it before it was deleted comes too late")
                .isEqualTo(Route.REGISTERED);
    }

    @Test
    void aVersionThatWasTurnedDownIsNotTheNewestThatAnswersUnderItsModelsName() {
        deployment("other", "model");
        deployment("another", "model");
        assertThat(answer("m", Optional.empty()).version().version()).isEqualTo(2);
        models.archive("p", "m", 2, "user:ada");
        gateway.forgetAll();
        assertThat(answer("m", Optional.empty()).version().version()).isEqualTo(1);
        assertThat(answer("m", Optional.of("2")).version().version())
                .as("asked for")
                .isEqualTo(2);
        assertThat(gateway.index("p"))
                .filteredOn(entry -> entry.name().equals("m"))
                .extracting(entry -> entry.version())
                .containsExactly(1);
        models.archive("p", "m", 1, "user:ada");
        gateway.forgetAll();
        assertThatThrownBy(() -> answer("m", Optional.empty())).hasMessageContaining("'m' is not found");
    }

    private Publications.State state(Deployment deployment) {
        return publications.status(deployment).state();
    }

    private void awaitState(Deployment deployment, Publications.State state) {
        Await.until(deployment.name() + " to be " + state, () -> state(deployment) == state);
    }

    /** Publishes more deployments at once than load together, whose models do not come. */
    private void occupyTurns(int more) {
        for (int i = 0; i < TOGETHER + more; i++) {
            publications.publish(List.of(deployment("slow-" + i, "slow")));
        }
    }

    @Test
    void noMoreLoadTogetherThanHaveTurnsAndTheNextBeginsWhenOneIsThrough() {
        setPauses(NEVER, NEVER);
        occupyTurns(3);
        Deployment quick = deployment("quick", "model");
        publications.publish(List.of(quick));
        Await.until("the first loads to begin", () -> begun.get() == TOGETHER);
        assertThat(state(quick)).isEqualTo(Publications.State.LOADING);
        slow.countDown();
        awaitState(quick, Publications.State.SERVING);
        // The ones before it have their turns by then, and begin on threads of their own.
        Await.until("all to begin", () -> begun.get() >= TOGETHER + 4);
        assertThat(begun).hasValue(TOGETHER + 4);
    }

    @Test
    void whatLoadsForLongGivesItsTurnAway() {
        setPauses(NEVER, SOON);
        occupyTurns(3);
        Deployment quick = deployment("quick", "model");
        publications.publish(List.of(quick));
        awaitState(quick, Publications.State.SERVING);
        assertThat(slow.getCount()).isOne();
    }

    @Test
    void aRevisionIsTakenUpOnceItsModelIsLoadedAndABrokenOneIsWaitedForByNobody() {
        setPauses(NEVER, NEVER);
        Deployment first = deployment("d", "model");
        assertThat(publications.isTakingUp(first)).as("it is not published yet").isTrue();
        publications.publish(List.of(first));
        awaitState(first, Publications.State.SERVING);
        assertThat(publications.isTakingUp(first)).isFalse();

        Deployment next = deployment("d", "slow");
        assertThat(publications.isTakingUp(next))
                .as("it is decided, and its publication has not begun")
                .isTrue();
        publications.publish(List.of(next));
        assertThat(publications.isTakingUp(next)).as("it loads").isTrue();
        slow.countDown();
        awaitState(next, Publications.State.SERVING);
        assertThat(publications.isTakingUp(next)).isFalse();

        Deployment broken = deployment("d", "broken");
        publications.publish(List.of(broken));
        awaitState(broken, Publications.State.BROKEN);
        assertThat(publications.isTakingUp(broken)).isFalse();
        publications.withdraw("p", "d");
    }

    @Test
    void nothingIsTakenUpOfADeploymentWithoutAChampion() {
        Deployment filled = deployment("d", "model");
        store.define("p", "empty", filled.definition());
        assertThat(publications.isTakingUp(store.find("p", "empty").orElseThrow()))
                .isFalse();
    }

    @Test
    void whatIsBrokenIsTriedAgainUntilItServesAndThenNoMore() {
        setPauses(SOON, NEVER);
        Deployment deployment = deployment("d", "broken");
        publications.publish(List.of(deployment));
        Await.until("a third attempt", () -> begun.get() >= 3);
        mended = true;
        awaitState(deployment, Publications.State.SERVING);
        assertThat(publications.waiting()).isZero();
        assertThat(publications.broken()).isZero();
    }

    @Test
    void whatFailsWithAnErrorIsBrokenAndTriedAgainToo() {
        setPauses(SOON, NEVER);
        Deployment deployment = deployment("d", "error");
        publications.publish(List.of(deployment));
        Await.until("a third attempt", () -> begun.get() >= 3);
        mended = true;
        awaitState(deployment, Publications.State.SERVING);
    }

    private Deployments deployments() {
        var events = new SqlEventLog(database, Clock.systemUTC());
        return new Deployments(store, models, publications, cache, database, events, Clock.systemUTC());
    }

    @Test
    void anotherModelIsRefusedWhileOneIsServed() {
        versions.insertModel("p", "other", "", Instant.EPOCH);
        Deployment served = deployment("d", "model");
        var other = new Deployment.Definition(
                "other", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> deployments().define("p", "d", other))
                .isInstanceOfSatisfying(TidemillException.class, refusal -> {
                    assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_DEFINITION);
                    assertThat(refusal.message()).contains("'m'").contains("'other'");
                    assertThat(refusal.remedy().orElseThrow()).contains("another deployment");
                });
        assertThat(store.find("p", "d")).contains(served);
        deployments().define("p", "d", served.definition());
        deployments().define("p", "new", served.definition());
        deployments().define("p", "new", other);
        assertThat(store.find("p", "new").orElseThrow().definition().model()).isEqualTo("other");
    }

    private String stages(int... of) {
        return Arrays.stream(of)
                .mapToObj(version -> models.version("p", "m", version).stage().label())
                .collect(Collectors.joining(" "));
    }

    @Test
    void whatServesIsNotArchivedAndWhatServesNoMoreIs() {
        deployment("d", "model");
        Deployment second = deployment("d", "model");
        assertThat(second.champion()).contains(2);
        Deployments deployments = deployments();
        deployments.rollBack("p", "d", 1, "tester");
        assertThat(stages(1, 2)).isEqualTo("None Archived");
        deployments.rollBack("p", "d", 2, "tester");
        assertThat(stages(1, 2)).isEqualTo("Archived None");
        deployment("e", "model");
        deployments.rollBack("p", "e", 2, "tester");
        deployments.rollBack("p", "d", 1, "tester");
        assertThat(stages(1, 2, 3)).as("version 2 serves in another deployment").isEqualTo("None None Archived");
        models.moveToStage("p", "m", 1, "Production", false, "tester");
        deployments.rollBack("p", "d", 3, "tester");
        deployments.rollBack("p", "e", 1, "tester");
        assertThat(stages(1, 2, 3)).isEqualTo("None Archived None");
    }

    @Test
    void whatWasLoadedIsNoVersionOfAnotherModelThatIsServedMeanwhile() {
        versions.insertModel("p", "other", "", Instant.EPOCH);
        Deployment.Definition definition = deployment("d", "model").definition();
        var other = new Deployment.Definition(
                "other", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        store.define("p", "new", definition);
        var deployments = new Deployments(
                store,
                models,
                publications,
                version -> {
                    store.define("p", "new", other);
                    return cache.acquire(version);
                },
                database,
                new SqlEventLog(database, Clock.systemUTC()),
                Clock.systemUTC());
        for (Runnable change : List.<Runnable>of(
                () -> deployments.offer("p", "new", number, Map.of(), Optional.empty(), "run/offer", "tester"),
                () -> deployments.rollBack("p", "new", number, "tester"))) {
            store.define("p", "new", definition);
            assertThatThrownBy(change::run).isInstanceOfSatisfying(TidemillException.class, refusal -> {
                assertThat(refusal.code()).isEqualTo(ErrorCode.CONFLICT);
                assertThat(refusal.message()).contains("'other'").contains("'m'");
            });
            assertThat(store.find("p", "new").orElseThrow().champion()).isEmpty();
        }
    }

    /** As after a crash between the offer and the end of the step that made it. */
    @Test
    void anOfferThatWasMadeBeforeEndsTheSame() {
        Deployment served = deployment("d", "model");
        Deployment next = deployment("next", "model");
        int version = next.champion().orElseThrow();
        Map<String, Double> errors = Map.of("error", 1.0, "champion_error", 2.0);
        Deployments deployments = deployments();
        Deployment offered = deployments.offer("p", "d", version, errors, Optional.empty(), "run/offer", "tester");
        assertThat(offered.challenger()).contains(version);
        assertThat(deployments.offer("p", "d", version, errors, Optional.empty(), "run/offer", "tester"))
                .isEqualTo(offered);
        deployments.promote(offered, "better", Map.of(), Optional.empty(), "tester");
        assertThat(deployments
                        .offer("p", "d", version, errors, Optional.empty(), "run/offer", "tester")
                        .champion())
                .contains(version);
        assertThat(deployments.decisionOf("p", "d", "run/offer").orElseThrow().action())
                .isEqualTo(Decision.Action.SHADOWED);
        assertThatThrownBy(() -> {
                    deployments.offer("p", "d", number - 1, errors, Optional.empty(), "run/second", "tester");
                    deployments.offer("p", "d", version, errors, Optional.empty(), "run/third", "tester");
                })
                .hasMessageContaining("is trying version " + (number - 1) + " already");
        assertThat(served.champion()).contains(number - 1);
    }

    /** As after a second training on the same rows: by held-out rows that the champion has seen it would look inferior. */
    @Test
    void theSameModelAgainIsSaidToBeTheSame() {
        Deployment served = deployment("d", "model", "the model");
        int champion = served.champion().orElseThrow();
        int again = deployment("again", "model", "the model").champion().orElseThrow();
        Deployments deployments = deployments();
        Map<String, Double> errors = Map.of("error", 2.0, "champion_error", 1.0);
        assertThat(deployments
                        .offer("p", "d", again, errors, Optional.empty(), "run/same", "tester")
                        .challenger())
                .isEmpty();
        Decision decision = deployments.decisionOf("p", "d", "run/same").orElseThrow();
        assertThat(decision.action()).isEqualTo(Decision.Action.REJECTED);
        assertThat(decision.reason())
                .startsWith("at the gate: it is the same model as the champion, version " + champion)
                .doesNotContain("inferior");
    }

    /** What the gate's comparison needs to know of the version that serves. */
    @Test
    void theIncumbentSaysHowFarItsDataWentAndHowManyRowsDecide() {
        Deployment served = deployment("d", "model");
        Deployments deployments = deployments();
        Incumbents.Incumbent incumbent = deployments.incumbent("p", "d").orElseThrow();
        assertThat(incumbent.reference()).isEqualTo("m/" + served.champion().orElseThrow());
        assertThat(incumbent.dataUntil()).contains(TRAINED_UNTIL);
        assertThat(incumbent.rows()).isEqualTo(48);
    }

    @Test
    void whatIsDeletedIsNotTriedAgain() {
        setPauses(NEVER, NEVER);
        Deployment deployment = deployment("d", "broken");
        publications.publish(List.of(deployment));
        awaitState(deployment, Publications.State.BROKEN);
        assertThat(publications.waiting()).isOne();
        store.delete("p", "d", Instant.EPOCH);
        publications.withdraw("p", "d");
        assertThat(publications.waiting()).isZero();
        assertThat(publications.broken()).isZero();
    }

    @Test
    void aChangeTakesThePlaceOfTheAttemptThatWasWaitedFor() {
        setPauses(NEVER, NEVER);
        Deployment broken = deployment("d", "broken");
        publications.publish(List.of(broken));
        awaitState(broken, Publications.State.BROKEN);
        Deployment whole = deployment("d", "model");
        publications.publish(List.of(whole));
        awaitState(whole, Publications.State.SERVING);
        assertThat(publications.waiting()).isZero();
    }

    @Test
    void nothingIsTriedAgainOfADatabaseThatHasBeenEmptied() {
        setPauses(NEVER, NEVER);
        Deployment deployment = deployment("d", "broken");
        publications.publish(List.of(deployment));
        awaitState(deployment, Publications.State.BROKEN);
        publications.forget();
        assertThat(publications.waiting()).isZero();
    }

    @Test
    void whatChangesWhileItLoadsIsServedAsItStandsOnceItIsLoaded() {
        setPauses(NEVER, NEVER);
        Deployment deployment = deployment("d", "slow");
        models.trust("p", "m", number, false, "user:ada");
        publications.publish(List.of(deployment));
        Await.until("it to be loaded with trust", () -> begun.get() == 1);
        // Whoever takes the trust back publishes too, and may be through before this attempt is.
        models.distrust("p", "m", number, "user:ada");
        slow.countDown();
        awaitState(deployment, Publications.State.SERVING);
        assertThat(gateway.snapshot().plans())
                .extracting(plan -> plan.champion().trusted())
                .containsExactly(false);
        assertThat(begun).hasValue(2);
    }

    @Test
    void whatIsNotTrustedAnyMoreIsClosedWhileTheDatabaseCannotBeReadAndPublishedOnceItCan() {
        var away = new AtomicBoolean();
        var failing = new ForwardingDatabase(database) {
            @Override
            public <T> T reading(Function<Handle, T> work) {
                if (away.get()) {
                    throw new TidemillException(ErrorCode.UNAVAILABLE, "The database cannot be reached");
                }
                return super.reading(work);
            }
        };
        publications.close();
        publications =
                new Publications(new SqlDeploymentStore(failing), models, gateway, Clock.systemUTC(), SOON, NEVER);
        var deployments = new Deployments(
                new SqlDeploymentStore(failing),
                models,
                publications,
                cache::acquire,
                database,
                new SqlEventLog(database, Clock.systemUTC()),
                Clock.systemUTC());
        models.watchTrust(deployments::trustChanged);
        Deployment deployment = deployment("d", "model");
        models.trust("p", "m", number, false, "user:ada");
        publications.publish(List.of(deployment));
        awaitState(deployment, Publications.State.SERVING);
        ServedVersion trusted = gateway.snapshot().plans().getFirst().champion();
        assertThat(trusted.trusted()).isTrue();
        assertThat(cache.isLoaded(trusted)).isTrue();

        away.set(true);
        models.distrust("p", "m", number, "user:ada");

        assertThat(cache.isLoaded(trusted)).isFalse();
        assertThat(gateway.isStale("p", "d")).isTrue();
        assertThat(gateway.snapshot().plans())
                .extracting(plan -> plan.champion().trusted())
                .containsExactly(false);
        awaitState(deployment, Publications.State.BROKEN);
        assertThat(gateway.isStale("p", "d")).isTrue();

        away.set(false);
        awaitState(deployment, Publications.State.SERVING);
        assertThat(gateway.isStale("p", "d")).isFalse();
        assertThat(gateway.snapshot().plans())
                .extracting(plan -> plan.champion().trusted())
                .containsExactly(false);
    }
}
