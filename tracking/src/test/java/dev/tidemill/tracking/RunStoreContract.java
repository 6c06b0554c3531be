package dev.tidemill.tracking;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.RunStore;
import dev.tidemill.tracking.store.SqlRunStore;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a run store promises, on every database. */
abstract class RunStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-21T08:00:00Z");

    private Database database;
    private RunStore store;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlRunStore(database);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private Run run(String project, long experiment, String source) {
        return new Run(
                RunId.next(),
                project,
                experiment,
                "trial",
                Optional.of(source),
                Run.Status.RUNNING,
                NOW,
                Optional.empty(),
                Optional.empty(),
                Map.of(),
                Map.of(),
                Map.of());
    }

    private static MetricPoint point(long step, int second, double value) {
        return new MetricPoint("loss", step, NOW.plusSeconds(second), value);
    }

    @Test
    void anExperimentIsMadeOnceForEachProject() {
        long first = store.experiment("a", "bikes", NOW).id();
        assertThat(store.experiment("a", "bikes", NOW).id()).isEqualTo(first);
        assertThat(store.experiment("b", "bikes", NOW).id()).isNotEqualTo(first);
        assertThat(store.experiments("a")).hasSize(1);
    }

    @Test
    void aSourceStartsOneRun() {
        assertThat(store.insert(run("a", 1, "s"))).isTrue();
        assertThat(store.insert(run("a", 1, "s"))).isFalse();
        assertThat(store.insert(run("b", 1, "s"))).isTrue();
        assertThat(store.findBySource("a", "s")).isPresent();
        assertThat(store.find("b", store.findBySource("a", "s").orElseThrow().id()))
                .isEmpty();
    }

    @Test
    void theLatestPointIsTheHighestByStepThenTimeThenValue() {
        Run run = run("a", 1, "s");
        store.insert(run);
        store.addPoints(run.id(), List.of(point(2, 0, 5), point(1, 9, 9)));
        store.addPoints(run.id(), List.of(point(2, 0, 4), point(2, 0, 6)));
        assertThat(store.find("a", run.id()).orElseThrow().metrics()).isEqualTo(Map.of("loss", 6.0));
        store.addPoints(run.id(), List.of(point(2, 0, 6)));
        assertThat(store.history(run.id(), "loss", 100))
                .extracting(MetricPoint::value)
                .containsExactly(9.0, 4.0, 5.0, 6.0);
    }

    @Test
    void runsComeWithWhatBelongsToThemNewestFirst() {
        Run first = run("a", 1, "1");
        Run second = run("a", 1, "2");
        store.insert(first);
        store.insert(second);
        store.putParams(first.id(), Map.of("depth", "4"));
        store.putTags(second.id(), Map.of("data", "rows@1"));
        store.finish(second.id(), Run.Status.FINISHED, NOW, Optional.of("abc"));
        List<Run> newest = store.newest("a", Optional.of(1L), Optional.empty(), 10);
        assertThat(newest).extracting(Run::id).containsExactly(second.id(), first.id());
        assertThat(newest.getFirst().modelDigest()).contains("abc");
        assertThat(newest.getLast().params()).isEqualTo(Map.of("depth", "4"));
        assertThat(store.newest("a", Optional.empty(), Optional.of(second.id().value()), 10))
                .hasSize(1);
        assertThat(store.newest("other", Optional.empty(), Optional.empty(), 10))
                .isEmpty();
    }
}
