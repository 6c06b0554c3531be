package dev.tidemill.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.monitoring.domain.JournalRow;
import dev.tidemill.monitoring.domain.MonitorState;
import dev.tidemill.monitoring.domain.MonitorStore;
import dev.tidemill.monitoring.store.SqlMonitorStore;
import dev.tidemill.platform.sql.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a monitor store promises, on every database. */
abstract class MonitorStoreContract {
    private static final Instant START = Instant.parse("2011-04-01T00:00:00Z");

    private Database database;
    private MonitorStore store;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlMonitorStore(database);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private static Prediction prediction(String id, int hour, double value) {
        return new Prediction(
                "p",
                "d",
                id,
                START.plus(Duration.ofHours(hour)),
                START,
                Map.of("hour", (double) hour, "weather", "clear"),
                false,
                1,
                List.of(value),
                Optional.of(2),
                List.of(value + 1),
                Optional.empty());
    }

    private static Prediction failed(String id, int hour) {
        Prediction one = prediction(id, hour, 1);
        return new Prediction(
                one.project(),
                one.deployment(),
                id,
                one.eventTime(),
                one.receivedAt(),
                one.features(),
                false,
                1,
                one.champion(),
                Optional.of(2),
                List.of(),
                Optional.of("it has no column 'hour'"));
    }

    @Test
    void failuresOfAChallengerAreCounted() {
        store.addPredictions(List.of(prediction("a", 0, 1), failed("b", 1), failed("c", 2), failed("d", 3)));
        Instant end = START.plus(Duration.ofHours(3));
        assertThat(store.reliability("p", "d", 2, START, end)).isEqualTo(new Reliability(3, 2));
        assertThat(store.reliability("p", "d", 3, START, end)).isEqualTo(new Reliability(0, 0));
    }

    @Test
    void aRowThatTheChampionDidNotScoreHasNoLossOfIts() {
        store.addPredictions(List.of(prediction("a", 1, 10)));
        store.label("p", "d", "a", "12", START, Optional.empty(), Optional.of(1.0));
        JournalRow row = store.findRow("p", "d", "a").orElseThrow();
        assertThat(row.label()).contains("12");
        assertThat(row.championLoss()).isEmpty();
    }

    @Test
    void aPredictionIsJournalledOnce() {
        store.addPredictions(List.of(prediction("a", 1, 10), prediction("b", 2, 20)));
        store.addPredictions(List.of(prediction("b", 2, 99), prediction("c", 0, 30)));
        List<JournalRow> rows = store.rows("p", "d", START, START.plus(Duration.ofDays(1)));
        assertThat(rows).extracting(JournalRow::id).containsExactly("c", "a", "b");
        assertThat(rows.getLast().champion()).containsExactly(20.0);
        assertThat(rows.getLast().features()).containsEntry("weather", "clear").containsEntry("hour", 2.0);
    }

    @Test
    void intervalsAreHalfOpen() {
        store.addPredictions(List.of(prediction("a", 0, 1), prediction("b", 1, 1), prediction("c", 2, 1)));
        assertThat(store.rows("p", "d", START, START.plus(Duration.ofHours(2))))
                .extracting(JournalRow::id)
                .containsExactly("a", "b");
        assertThat(store.rows("p", "other", START, START.plus(Duration.ofHours(2))))
                .isEmpty();
    }

    @Test
    void theFirstLabelStays() {
        store.addPredictions(List.of(prediction("a", 1, 10)));
        store.label("p", "d", "a", "12", START, Optional.of(2.0), Optional.of(1.0));
        store.label("p", "d", "a", "50", START, Optional.of(40.0), Optional.of(39.0));
        JournalRow row = store.findRow("p", "d", "a").orElseThrow();
        assertThat(row.label()).contains("12");
        assertThat(row.servedLoss()).contains(2.0);
        assertThat(row.challengerLoss()).contains(1.0);
    }

    @Test
    void theWatermarkMovesForwardAndADeclaredOneOnlyByDeclaration() {
        var state = new MonitorState("p", "d", START, START, false, START, START, Optional.empty(), Optional.empty());
        store.createState(state);
        store.createState(new MonitorState(
                "p", "d", Instant.EPOCH, START, false, START, START, Optional.empty(), Optional.empty()));
        assertThat(store.findState("p", "d")).contains(state);
        store.moveWatermark("p", "d", START.plusSeconds(10), false);
        store.moveWatermark("p", "d", START.plusSeconds(5), false);
        assertThat(store.findState("p", "d").orElseThrow().watermark()).isEqualTo(START.plusSeconds(10));
        store.moveWatermark("p", "d", START.plusSeconds(3), true);
        assertThat(store.findState("p", "d").orElseThrow().watermark()).isEqualTo(START.plusSeconds(3));
        store.moveWatermark("p", "d", START.plusSeconds(60), false);
        store.moveWatermark("p", "d", START.plusSeconds(2), true);
        assertThat(store.findState("p", "d").orElseThrow().watermark()).isEqualTo(START.plusSeconds(3));
    }
}
