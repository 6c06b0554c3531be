package dev.tidemill.deployments;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Decision;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.DeploymentStore;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a deployment store promises, on every database. */
abstract class DeploymentStoreContract {
    private static final Instant NOW = Instant.parse("2011-04-01T00:00:00Z");
    private static final Deployment.Definition DEFINITION = new Deployment.Definition(
            "bikes",
            Optional.of("view"),
            Optional.empty(),
            Optional.of("policy"),
            Optional.of(Deployment.Journal.BEST_EFFORT));

    private Database database;
    private DeploymentStore store;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlDeploymentStore(database);
        store.define("a", "d", DEFINITION);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private static Deployment state(long revision, int champion) {
        return new Deployment(
                "a",
                "d",
                DEFINITION,
                revision,
                Optional.of(champion),
                Optional.of(NOW),
                Optional.of(champion + 1),
                Deployment.Phase.CANARY,
                0.2,
                Optional.of(NOW),
                Optional.of(NOW),
                Optional.empty());
    }

    @Test
    void aStateReplacesOnlyTheOneItWasMadeFrom() {
        assertThat(store.save(state(1, 1))).isTrue();
        assertThat(store.save(state(1, 5))).isFalse();
        assertThat(store.save(state(3, 5))).isFalse();
        assertThat(store.find("a", "d")).contains(state(1, 1));
        store.define("a", "d", DEFINITION);
        assertThat(store.find("a", "d").orElseThrow().champion()).contains(1);
        assertThat(store.find("b", "d")).isEmpty();
    }

    @Test
    void theModelStaysWhileThereIsAVersionOfIt() {
        var other = new Deployment.Definition(
                "scooters", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        assertThat(store.define("a", "d", other)).isTrue();
        assertThat(store.find("a", "d").orElseThrow().definition()).isEqualTo(other);
        assertThat(store.save(state(1, 1))).as("made from what was read before").isFalse();
        assertThat(store.define("a", "d", DEFINITION)).isTrue();
        assertThat(store.save(state(3, 1))).isTrue();
        assertThat(store.define("a", "d", other)).isFalse();
        assertThat(store.find("a", "d")).contains(state(3, 1));
        assertThat(store.define("a", "d", DEFINITION)).isTrue();
    }

    @Test
    void eventTimeNeverGoesBack() {
        store.moveEventTime("a", "d", NOW);
        store.moveEventTime("a", "d", NOW.minusSeconds(1));
        assertThat(store.find("a", "d").orElseThrow().eventTime()).contains(NOW);
    }

    @Test
    void aMakerDecidesOnce() {
        var decision = new Decision(
                0, Optional.of(NOW), NOW, Decision.Action.SHADOWED, Optional.of(2), "why", Map.of("rows", 7), "system");
        assertThat(store.addDecision("a", "d", decision, Optional.of("m"))).isTrue();
        assertThat(store.addDecision("a", "d", decision, Optional.of("m"))).isFalse();
        assertThat(store.findDecision("a", "d", "m").orElseThrow().reason()).isEqualTo("why");
        assertThat(store.findDecision("a", "d", "n")).isEmpty();
        assertThat(store.addDecision("a", "d", decision, Optional.empty())).isTrue();
        assertThat(store.addDecision("a", "d", decision, Optional.empty())).isTrue();
        List<Decision> all = newest(10, Decision.Action.values());
        assertThat(all).hasSize(3);
        assertThat(all.getFirst().evidence()).isEqualTo(Map.of("rows", 7));
    }

    @Test
    void theNewestDecisionsAreCutInOrder() {
        for (int version = 1; version <= 40; version++) {
            Decision.Action action = version % 10 == 0 ? Decision.Action.PROMOTED : Decision.Action.SHADOWED;
            store.addDecision(
                    "a",
                    "d",
                    new Decision(0, Optional.of(NOW), NOW, action, Optional.of(version), "why", Map.of(), "system"),
                    Optional.empty());
        }
        assertThat(newest(3, Decision.Action.values()))
                .extracting(decision -> decision.version().orElse(0))
                .containsExactly(38, 39, 40);
        assertThat(newest(2, Decision.Action.PROMOTED))
                .extracting(decision -> decision.version().orElse(0))
                .containsExactly(30, 40);
        long middle = newest(40, Decision.Action.values()).get(20).position();
        assertThat(store.newestDecisions("a", "d", middle, 2, List.of(Decision.Action.values())))
                .extracting(decision -> decision.version().orElse(0))
                .containsExactly(19, 20);
    }

    @Test
    void aDeploymentMadeAnewHasNoDecisionsOfTheOldOne() {
        store.define("a", "other", DEFINITION);
        var decision = new Decision(
                0, Optional.of(NOW), NOW, Decision.Action.PROMOTED, Optional.of(2), "why", Map.of(), "system");
        assertThat(store.addDecision("a", "d", decision, Optional.of("m"))).isTrue();
        assertThat(store.addDecision("a", "other", decision, Optional.of("m"))).isTrue();
        store.delete("a", "d", NOW);
        store.define("a", "d", DEFINITION);
        assertThat(newest(10, Decision.Action.values())).isEmpty();
        assertThat(store.findDecision("a", "d", "m")).isEmpty();
        assertThat(store.addDecision("a", "d", decision, Optional.of("m"))).isTrue();
        assertThat(newest(10, Decision.Action.values())).hasSize(1);
        assertThat(store.newestDecisions("a", "other", Long.MAX_VALUE, 10, List.of(Decision.Action.values())))
                .hasSize(1);
    }

    private List<Decision> newest(int limit, Decision.Action... actions) {
        return store.newestDecisions("a", "d", Long.MAX_VALUE, limit, List.of(actions));
    }

    @Test
    void policiesComeBackAsTheyWere() {
        var policy = new Policy(
                Optional.of(new Policy.Retrain(
                        "train", Map.of("x", "1"), 0.15, 2, 3, Optional.of(Duration.ofDays(28)), Duration.ofDays(7))),
                new Policy.Promotion(
                        0.02,
                        Duration.ofDays(3),
                        Duration.ofDays(4),
                        Duration.ofDays(14),
                        0.1,
                        0.95,
                        48,
                        Duration.ofHours(6),
                        9),
                InputPolicy.WARN);
        store.savePolicy("a", "p", 1, policy);
        store.savePolicy("a", "p", 2, policy);
        assertThat(store.findPolicy("a", "p")).contains(policy);
        assertThat(store.findPolicy("b", "p")).isEmpty();
    }

    @Test
    void statesThatAreMadeFromOneAnotherAtOnceAreAllSaved() {
        Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> store.save(
                                state(store.find("a", "d").orElseThrow().revision() + 1, thread))))
                .allAnswered()
                .forEach(saved -> assertThat(saved).isTrue());
        assertThat(store.find("a", "d").orElseThrow().revision()).isEqualTo(5 * Contention.THREADS);
        Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            store.moveEventTime("a", "d", NOW.plusSeconds(turn * 8 + thread));
                            return true;
                        }))
                .allAnswered();
        assertThat(store.find("a", "d").orElseThrow().eventTime()).contains(NOW.plusSeconds(39));
    }
}
