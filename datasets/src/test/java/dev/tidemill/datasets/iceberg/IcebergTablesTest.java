package dev.tidemill.datasets.iceberg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.TableFormat;
import dev.tidemill.datasets.store.SqlTablePointers;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IcebergTablesTest {
    private static final List<Column> COLUMNS = List.of(Column.of("x", ColumnType.LONG));

    @TempDir
    Path directory;

    private final DeletionHold deletions = new DeletionHold();
    private Database database;

    @BeforeEach
    void open() {
        database = TestDatabase.sqlite(List.of("datasets"));
    }

    @AfterEach
    void close() {
        database.close();
    }

    private IcebergTables tables(String folder) {
        return new IcebergTables(directory.resolve(folder), new SqlTablePointers(database), database, deletions);
    }

    private static long version(IcebergTables tables, String content) throws IOException {
        return version(tables, "rows", content);
    }

    private static long version(IcebergTables tables, String table, String content) throws IOException {
        Path file = tables.newFile("p", table);
        Files.writeString(file, content);
        var snapshot = new AtomicLong();
        tables.replace("p", table, COLUMNS, new TableFormat.NewFile(file, 1, content.length()), snapshot::set);
        return snapshot.get();
    }

    private static String content(IcebergTables tables, long snapshot) throws IOException {
        return Files.readString(tables.files("p", "rows", snapshot).getFirst());
    }

    @Test
    void aMovedWarehouseIsReadAndWrittenInItsNewPlaceAlone() throws Exception {
        long first = version(tables("old"), "first");
        Files.move(directory.resolve("old"), directory.resolve("new"));
        IcebergTables moved = tables("new");
        assertThat(content(moved, first)).isEqualTo("first");
        long second = version(moved, "second");
        long third = version(moved, "third");
        assertThat(content(moved, first)).isEqualTo("first");
        assertThat(content(moved, second)).isEqualTo("second");
        assertThat(directory.resolve("old")).doesNotExist();
        Files.move(directory.resolve("new"), directory.resolve("newer"));
        assertThat(content(tables("newer"), third)).isEqualTo("third");
    }

    @Test
    void aFileOfAnotherTableOrElsewhereIsRefused() {
        var io = new LocalFileIO(directory.resolve("p/rows").toString(), deletions);
        assertThat(io.confined("/somewhere/p/rows/data/1.parquet"))
                .isEqualTo(directory.resolve("p/rows/data/1.parquet"));
        for (String location : List.of(
                "/etc/passwd",
                "/somewhere/p/other/data/1.parquet",
                "/somewhere/p/rows/1.parquet",
                "/somewhere/p/rows/data/../../../../../etc/passwd",
                "/somewhere/p/rows/secrets/1")) {
            assertThatThrownBy(() -> io.confined(location)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void onlyOldFilesThatNoVersionHoldsAreCollected() throws Exception {
        IcebergTables tables = tables("w");
        long first = version(tables, "first");
        long second = version(tables, "second");
        Path orphan = tables.newFile("p", "rows");
        Files.writeString(orphan, "left by an import");
        age(directory.resolve("w"));
        Path young = tables.newFile("p", "rows");
        Files.writeString(young, "being written");
        TableFormat.Collected collected = tables.collect(Instant.now().minus(Duration.ofHours(1)));
        assertThat(collected).isEqualTo(new TableFormat.Collected(1, "left by an import".length(), 0));
        assertThat(orphan).doesNotExist();
        assertThat(young).exists();
        assertThat(content(tables, first)).isEqualTo("first");
        assertThat(content(tables, second)).isEqualTo("second");
        assertThat(content(tables, version(tables, "third"))).isEqualTo("third");
    }

    @Test
    void aTableThatCannotBeReadKeepsNoOthersFiles() throws Exception {
        IcebergTables tables = tables("w");
        version(tables, "a", "first");
        version(tables, "b", "first");
        version(tables, "c", "first");
        for (String table : List.of("a", "b", "c")) {
            Files.writeString(tables.newFile("p", table), "orphan");
        }
        try (var all = Files.walk(directory.resolve("w/p/b/metadata"))) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                Files.delete(file);
            }
        }
        age(directory.resolve("w"));
        assertThat(tables.collect(Instant.now().minus(Duration.ofHours(1))))
                .isEqualTo(new TableFormat.Collected(2, 2 * "orphan".length(), 1));
    }

    @Test
    void whatABackupCopiesIsNotDeletedMeanwhileNeitherByACommitNorByACollection() throws Exception {
        IcebergTables tables = tables("w");
        long first = version(tables, "first");
        Path orphan = tables.newFile("p", "rows");
        Files.writeString(orphan, "left by an import");
        age(directory.resolve("w"));
        List<Path> metadata;
        try (DeletionHold.Held held = deletions.hold();
                var all = Files.list(directory.resolve("w/p/rows/metadata"))) {
            metadata = all.toList();
            for (int i = 0; i < 25; i++) {
                // Only so many descriptions of a table are kept; a backup's rows may name an old one.
                version(tables, "later");
            }
            assertThat(metadata).allSatisfy(file -> assertThat(file).exists());
            assertThat(tables.collect(Instant.now().minus(Duration.ofHours(1))))
                    .isEqualTo(new TableFormat.Collected(0, 0, 0));
        }
        assertThat(tables.collect(Instant.now().minus(Duration.ofHours(1))).files())
                .isGreaterThan(1);
        assertThat(orphan).doesNotExist();
        assertThat(content(tables, first)).isEqualTo("first");
    }

    private static void age(Path folder) throws IOException {
        try (var all = Files.walk(folder)) {
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
            }
        }
    }
}
