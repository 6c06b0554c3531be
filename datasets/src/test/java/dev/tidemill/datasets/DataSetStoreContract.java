package dev.tidemill.datasets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSetStore;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.store.SqlDataSetStore;
import dev.tidemill.datasets.store.SqlTablePointers;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store of data sets does. */
abstract class DataSetStoreContract {
    private Database database;
    private DataSetStore store;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        store = new SqlDataSetStore(database);
    }

    @AfterEach
    void stop() {
        // It was never opened where its server is not here and the test was skipped.
        if (database != null) {
            database.close();
        }
    }

    private static DataSet dataSet(String path) {
        return new DataSet(
                Optional.of(new DataSet.Source(
                        path, "0".repeat(64), Optional.of("SELECT * FROM source"), Optional.of(Instant.EPOCH))),
                List.of(
                        new Column(
                                "plan",
                                ColumnType.TEXT,
                                true,
                                Optional.empty(),
                                Optional.empty(),
                                List.of("basic", "it's \"quoted\"")),
                        new Column(
                                "age",
                                ColumnType.LONG,
                                false,
                                Optional.of(BigDecimal.ZERO),
                                Optional.of(new BigDecimal("1e300")),
                                List.of())),
                List.of("plan"),
                Optional.empty());
    }

    private static DataSetVersion version(String project, int number, String madeBy) {
        return new DataSetVersion(
                project,
                "rentals",
                number,
                Long.MAX_VALUE - number,
                "1".repeat(64),
                5_000_000_000L,
                6_000_000_000L,
                List.of(Column.of("age", ColumnType.LONG)),
                Map.of("checks", List.of("schema", "range")),
                List.of("data.csv"),
                madeBy,
                Instant.ofEpochMilli(1_700_000_000_123L));
    }

    @Test
    void whatWasSavedLastIsFound() {
        store.save("a", "rentals", dataSet("old.csv"));
        store.save("a", "rentals", dataSet("new.csv"));
        store.save("b", "other", dataSet("b.csv"));
        assertThat(store.find("a", "rentals")).contains(dataSet("new.csv"));
        assertThat(store.find("b", "rentals")).isEmpty();
        assertThat(store.list("a")).containsExactly(new DataSetStore.Named("rentals", dataSet("new.csv")));
    }

    @Test
    void versionsComeBackWholeAndNewestFirst() {
        store.insertVersion(version("a", 1, "run/1"));
        store.insertVersion(version("a", 2, "run/2"));
        store.insertVersion(version("b", 1, "run/1"));
        assertThat(store.versions("a", "rentals")).containsExactly(version("a", 2, "run/2"), version("a", 1, "run/1"));
        assertThat(store.newestVersion("a", "rentals")).contains(version("a", 2, "run/2"));
        assertThat(store.findVersion("a", "rentals", 1)).contains(version("a", 1, "run/1"));
        assertThat(store.findVersion("a", "rentals", 3)).isEmpty();
        assertThat(store.findMadeBy("a", "rentals", "run/2")).contains(version("a", 2, "run/2"));
        assertThat(store.newestVersion("c", "rentals")).isEmpty();
    }

    @Test
    void aStepMakesOneVersionOnly() {
        store.insertVersion(version("a", 1, "run/1"));
        assertThatThrownBy(() -> store.insertVersion(version("a", 2, "run/1"))).isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> store.insertVersion(version("a", 1, "run/2"))).isInstanceOf(TidemillException.class);
        assertThat(store.versions("a", "rentals")).hasSize(1);
    }

    @Test
    void aTablePointerMovesOnlyFromWhereItIs() {
        var pointers = new SqlTablePointers(database);
        assertThat(pointers.swap("a", "t", Optional.empty(), "m1")).isTrue();
        assertThat(pointers.swap("a", "t", Optional.empty(), "m2")).isFalse();
        assertThat(pointers.swap("a", "t", Optional.of("m0"), "m2")).isFalse();
        assertThat(pointers.swap("a", "t", Optional.of("m1"), "m2")).isTrue();
        assertThat(pointers.find("a", "t")).contains("m2");
        assertThat(pointers.find("b", "t")).isEmpty();
    }

    @Test
    void versionsThatComeAtOnceAllGetANumber() {
        var numbers = Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            int next = store.newestVersion("a", "rentals")
                                            .map(DataSetVersion::version)
                                            .orElse(0)
                                    + 1;
                            store.insertVersion(version("a", next, thread + "/" + turn));
                            store.save("a", "set" + turn, dataSet("x.csv"));
                            return next;
                        }))
                .allAnswered();
        assertThat(numbers).doesNotHaveDuplicates().hasSize(5 * Contention.THREADS);
    }

    @Test
    void aTableIsMovedOnlyByOneOfThoseWhoSawItAtTheSamePlace() {
        var pointers = new SqlTablePointers(database);
        var swapped = Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> pointers.swap(
                                "a", "t", turn == 0 ? Optional.empty() : Optional.of("m" + (turn - 1)), "m" + turn)))
                .allAnswered();
        assertThat(swapped.stream().filter(yes -> yes)).hasSize(5);
    }
}
