package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.store.SqlDeploymentStore;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.monitoring.store.SqlSliceStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import java.util.ArrayList;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What is left of deployments that are deleted, on every database. */
abstract class DeletedDeploymentsContract extends AssembledMonitoring {
    @Test
    void withADeploymentGoesWhatWasWatchedOfIt() {
        deploy("d");
        deploy("other");
        monitoring.append(many("d"));
        monitoring.append(hours("other", 0, 60));
        watching.loop().start();
        settle("d");
        settle("other");
        assertThat(monitoring.windows("p", "d", CLOCK.instant(), 10).items()).isNotEmpty();
        deployments.delete("p", "d", "user:ada");
        assertThat(monitoring.state("p", "d")).isEmpty();
        assertThat(monitoring.windows("p", "d", CLOCK.instant(), 10).items()).isEmpty();
        assertThat(new SqlSliceStore(database).slices("p", "d", START, CLOCK.instant()))
                .isEmpty();
        // Until then one of the same name is refused.
        Await.until("the journal of the deleted deployment to be gone", () -> !monitoring.hasRemains("p", "d"));
        deploy("d");
        monitoring.append(hours("d", 0, 3));
        assertThat(rows("d")).as("rows of before are not those of the new").isEqualTo(3);
        assertThat(clock("d").believed()).isEqualTo(3);
        assertThat(rows("other")).isEqualTo(60);
        assertThat(monitoring.windows("p", "other", CLOCK.instant(), 10).items())
                .isNotEmpty();
    }

    @Test
    void rowsOfADeletedDeploymentGoWithoutBeingAskedFor() {
        deploy("d");
        monitoring.append(many("d"));
        watching.loop().start();
        deployments.delete("p", "d", "user:ada");
        Await.until("the journal of the deleted deployment to be empty", () -> rows("d") == 0);
    }

    @Test
    void whatArrivesForADeletedDeploymentKeepsNobodyElseOut() {
        deploy("d");
        var batch = new ArrayList<>(hours("gone", 0, 3));
        batch.addAll(hours("d", 0, 3));
        monitoring.append(batch);
        assertThat(rows("d")).isEqualTo(3);
        assertThat(rows("gone")).isZero();
        assertThat(monitoring.state("p", "gone")).isEmpty();
    }

    @Test
    void statesThatAreLeftOfDeletedDeploymentsAreRemovedAndKeepNobodyWaiting() {
        deploy("z");
        monitoring.append(hours("z", 0, 60));
        var store = new SqlMonitorStore(database);
        MonitorState state = monitoring.state("p", "z").orElseThrow();
        for (int i = 0; i < 8; i++) {
            store.createState(new MonitorState(
                    "p",
                    "gone-" + i,
                    state.clock(),
                    state.processed(),
                    state.windowsTill(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    0,
                    Optional.empty()));
        }
        watching.loop().start();
        settle("z");
        Await.until(
                "the states of deployments that are gone to be removed",
                () -> store.states().size() == 1);
    }

    @Test
    void aDeploymentIsNotMadeAnewWhileTheJournalOfTheOldOneIsStillBeingRemoved() {
        deploy("d");
        monitoring.append(many("d"));
        new SqlDeploymentStore(database).delete("p", "d", CLOCK.instant());
        new SqlMonitorStore(database).forget("p", "d", CLOCK.instant());
        var definition = new Deployment.Definition(
                "m", Optional.empty(), Optional.of("hourly"), Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> deployments.define("p", "d", definition))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                .hasMessageContaining("still being removed");
        watching.loop().start();
        Await.until("the journal to be empty", () -> !monitoring.hasRemains("p", "d"));
        deployments.define("p", "d", definition);
        assertThat(rows("d")).isZero();
    }
}
