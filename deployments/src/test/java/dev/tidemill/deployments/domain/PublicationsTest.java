package dev.tidemill.deployments.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.Route;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.SqlEventLog;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.store.ForwardingDatabase;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;

class PublicationsTest extends AssembledDeployments {
    private static final int TOGETHER = 4;
    private static final Duration SOON = Duration.ofMillis(20);
    private static final Duration NEVER = Duration.ofHours(1);

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

    /** What a model needs, such as its environment, is being made: nothing is wrong, and it is taken up once it is there. */
    @Test
    void whatIsBeingMadeIsNotBroken() {
        setPauses(SOON, SOON);
        Deployment deployment = deployment("building", "building");
        publications.publish(List.of(deployment));
        Await.until("it has been tried more than once", () -> begun.get() > 2);
        Publications.Status status = publications.status(deployment);
        assertThat(status.state()).isEqualTo(Publications.State.LOADING);
        Await.until(
                "the reason is told",
                () -> publications.status(deployment).reason().contains("its environment is being built"));
        assertThat(publications.status(deployment).failures()).isZero();
        assertThat(publications.broken()).isZero();
        assertThat(publications.isTakingUp(deployment)).isTrue();
        assertThatThrownBy(() -> answer("building", Optional.empty())).hasMessageContaining("is being built");
        mended = true;
        awaitState(deployment, Publications.State.SERVING);
        assertThat(publications.isTakingUp(deployment)).isFalse();
    }

    private List<Deployment> many(String file) {
        return IntStream.range(0, 3 * TOGETHER)
                .mapToObj(i -> deployment(file + "-" + i, file))
                .toList();
    }

    @Test
    void whatWaitsForSomethingToBeMadeHasNoTurnMeanwhile() {
        setPauses(NEVER, NEVER);
        publications.publish(many("waiting"));
        Deployment healthy = deployment("healthy", "model");
        publications.publish(List.of(healthy));
        awaitState(healthy, Publications.State.SERVING);
        assertThat(slow.getCount()).as("the others wait still").isOne();
    }

    @Test
    void aLoadThatGoesOnForOthersTakesNoTurnOnceItsOwnerHasLeft() throws InterruptedException {
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
        try {
            var turns = new LoadTurns(1, NEVER, timer);
            deployment("d", "waiting");
            ServedVersion version = ServedVersion.of(models.version("p", "m", number));
            Thread owner = loading(turns, () -> cache.acquire(version));
            Await.until("the load waits", () -> begun.get() == 1);
            owner.interrupt();
            owner.join();
            slow.countDown();
            Await.until("it has gone on", () -> cache.isLoaded(version));
            Thread next = loading(turns, begun::incrementAndGet);
            Await.until("the next one has its turn", () -> begun.get() == 2);
            next.join();
        } finally {
            timer.shutdownNow();
        }
    }

    private static Thread loading(LoadTurns turns, Runnable load) {
        return Thread.ofVirtual().start(() -> {
            try {
                turns.run(load);
            } catch (InterruptedException | TidemillException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Test
    void whatIsBeingMadeIsTriedAgainAsSoonAsItIsThereAndNotBefore() {
        setPauses(SOON, NEVER);
        again = NEVER;
        List<Deployment> building = many("building");
        publications.publish(building);
        Await.until("all have been tried", () -> publications.waiting() == building.size());
        Deployment gone = building.getFirst();
        store.delete("p", gone.name(), Instant.EPOCH);
        publications.withdraw("p", gone.name());
        Deployment broken = deployment("broken", "broken");
        publications.publish(List.of(broken));
        Await.until("what is broken has been tried again", () -> begun.get() >= building.size() + 3);
        mended = true;
        awaitState(broken, Publications.State.SERVING);
        int before = begun.get();
        assertThat(publications.status(building.getLast()).retryAt().orElseThrow())
                .isAfter(Instant.now().plus(NEVER.dividedBy(2)));

        made.complete("");

        building.stream().skip(1).forEach(deployment -> awaitState(deployment, Publications.State.SERVING));
        assertThat(begun).hasValue(before + building.size() - 1);
        assertThat(publications.waiting()).isZero();
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

    @Test
    void anotherModelIsRefusedWhileOneIsServed() {
        registered.insertModel("p", "other", "", Instant.EPOCH);
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
        trust.give("p", "m", number, false, "user:ada");
        publications.publish(List.of(deployment));
        Await.until("it to be loaded with trust", () -> begun.get() == 1);
        // Whoever takes the trust back publishes too, and may be through before this attempt is.
        trust.withdraw("p", "m", number, "user:ada");
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
                publications,
                database,
                new SqlEventLog(database, Clock.systemUTC()),
                Clock.systemUTC());
        trust.watch(deployments::trustChanged);
        Deployment deployment = deployment("d", "model");
        trust.give("p", "m", number, false, "user:ada");
        publications.publish(List.of(deployment));
        awaitState(deployment, Publications.State.SERVING);
        ServedVersion trusted = gateway.snapshot().plans().getFirst().champion();
        assertThat(trusted.trusted()).isTrue();
        assertThat(cache.isLoaded(trusted)).isTrue();

        away.set(true);
        trust.withdraw("p", "m", number, "user:ada");

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
