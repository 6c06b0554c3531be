package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.DatabaseAddress;
import dev.tidemill.testkit.TestDatabase;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A directory's files belong to one database: another one, without users, would answer everybody. */
class DirectoryDatabaseTest {
    @TempDir
    private Path folder;

    private Path data() {
        return folder.resolve("data");
    }

    private static String address(Database empty) {
        String schema = empty.reading(handle -> handle.createQuery("SELECT current_schema()")
                .mapTo(String.class)
                .one());
        return System.getenv(TestDatabase.POSTGRES_VARIABLE) + "?schema=" + schema;
    }

    private void starts(String database, String... more) {
        TestServer.start(data(), settings(database, more)).close();
    }

    private static Map<Setting, String> settings(String database, String... more) {
        var settings = new HashMap<Setting, String>();
        settings.put(Setting.DATABASE, database);
        if (List.of(more).contains("take over")) {
            settings.put(Setting.DATABASE_TAKE_OVER, "true");
        }
        return settings;
    }

    private void refused(String database, String... told) {
        assertThatThrownBy(() -> TestServer.start(data(), settings(database)).close())
                .isInstanceOfSatisfying(TidemillException.class, error -> {
                    assertThat(error.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION);
                    assertThat(error.field()).hasValue("database");
                    assertThat(error.message()).contains(told).contains(data().toString());
                    assertThat(error.remedy().orElse("")).contains("TIDEMILL_DATABASE_TAKE_OVER=true");
                });
    }

    @Test
    void aDirectoryOfAPostgresqlStartsWithNoSqliteAndWithNoOtherEmptyPostgresql() {
        try (Database first = TestDatabase.postgres(List.of());
                Database second = TestDatabase.postgres(List.of())) {
            starts(address(first));
            refused("sqlite", "postgresql://", "SQLite");
            assertThat(data().resolve("tidemill.db")).doesNotExist();
            refused(address(second), "empty");
            starts(address(first));
            starts(address(second), "take over");
            starts(address(second));
        }
    }

    /** Nobody is known to it, so it would answer everybody. */
    @Test
    void anSqliteDatabaseThatWasCutOffIsRefusedAndNotTakenForANewOne() throws IOException {
        Files.createDirectories(data());
        Files.writeString(data().resolve("tidemill.db"), "");
        starts("sqlite");
        for (String side : List.of("-wal", "-shm")) {
            Files.deleteIfExists(data().resolve("tidemill.db" + side));
        }
        Files.writeString(data().resolve("tidemill.db"), "");
        refused("sqlite", "tidemill.db, is empty");
        refused("sqlite", "tidemill.db, is empty");
        starts("sqlite", "take over");
        starts("sqlite");
    }

    @Test
    void anSqliteDatabaseThatIsDamagedIsSaidToBe() throws IOException {
        starts("sqlite");
        Path file = data().resolve("tidemill.db");
        byte[] whole = Files.readAllBytes(file);
        for (byte[] damaged : List.of(
                java.util.Arrays.copyOf(whole, 10 * 4096 + 100),
                "no database at all, but text".repeat(200).getBytes(java.nio.charset.StandardCharsets.UTF_8))) {
            Files.write(file, damaged);
            assertThatThrownBy(
                            () -> TestServer.start(data(), settings("sqlite")).close())
                    .isInstanceOfSatisfying(TidemillException.class, error -> {
                        assertThat(error.message()).contains("is damaged", file.toString());
                        assertThat(error.remedy().orElse("")).contains("tidemill restore");
                    });
        }
    }

    @Test
    void aDirectoryOfAPostgresqlFromBeforeThereWasAMarkIsKnownByItsFiles() throws IOException {
        try (Database first = TestDatabase.postgres(List.of())) {
            starts(address(first));
            Files.delete(data().resolve("database"));
            refused("sqlite", "PostgreSQL");
            starts(address(first));
            assertThat(data().resolve("database")).exists();
        }
    }

    /** As a power cut leaves a file whose text had not reached the disk. */
    @ParameterizedTest
    @ValueSource(strings = {"", "\0\0\0\0\0\0\0", "postgre"})
    void whatIsLeftOfAMarkThatWasNotYetOnTheDiskCountsAsNone(String left) throws IOException {
        starts("sqlite");
        Files.writeString(data().resolve("database"), left);
        starts("sqlite");
        assertThat(data().resolve("database")).hasContent("sqlite");
        try (Database other = TestDatabase.postgres(List.of())) {
            Files.writeString(data().resolve("database"), left);
            refused(address(other), "tidemill.db");
        }
    }

    @Test
    void whatIsLeftOfFormatIdentityAndKeyThatWereNotYetOnTheDiskIsMadeAnew() throws IOException {
        Files.createDirectories(data());
        for (String name : List.of("format", "identity", "secrets.key")) {
            Files.writeString(data().resolve(name), "");
        }
        try (DataDirectory directory = DataDirectory.open(data())) {
            assertThat(directory.identity()).isNotEmpty().isEqualTo(directory.identity());
        }
        Files.delete(data().resolve("identity"));
        Files.writeString(data().resolve("identity"), "\0\0");
        try (DataDirectory directory = DataDirectory.open(data())) {
            assertThat(directory.identity()).matches("[!-~]+");
        }
        Files.delete(data().resolve("identity"));
        starts("sqlite");
        assertThat(data().resolve("format")).hasContent("1");
        assertThat(data().resolve("secrets.key")).isNotEmptyFile();
    }

    /** Servers from before there was a mark wrote one of these at least, wherever their artifacts are. */
    @ParameterizedTest
    @ValueSource(strings = {"artifact-copies/ab", "tables/p", "identity,secrets.key", "identity,artifacts"})
    void whatOnlyAServerWithADatabaseWritesTellsThatThereIsOne(String names) throws IOException {
        for (String name : names.split(",", -1)) {
            Files.createDirectories(data().resolve(name));
        }
        refused("sqlite", "PostgreSQL");
        assertThat(data().resolve("tidemill.db")).doesNotExist();
    }

    /** A start that reached no database, a gateway, and an operator who puts the key or folders for disks there. */
    @ParameterizedTest
    @ValueSource(strings = {"identity", "artifacts,journal,python", "secrets.key", "tables/lost+found,logs"})
    void whatOthersWriteTooKeepsNobodyFromADatabase(String names) throws IOException {
        Files.createDirectories(data());
        for (String name : names.split(",", -1)) {
            switch (name) {
                case "identity" -> Files.writeString(data().resolve(name), "0190\n");
                case "secrets.key" ->
                    Files.writeString(data().resolve(name), Base64.getEncoder().encodeToString(new byte[32]));
                default -> Files.createDirectories(data().resolve(name));
            }
        }
        starts("sqlite");
    }

    @Test
    void aDirectoryWithAnSqliteDatabaseStartsWithNoEmptyPostgresql() throws IOException {
        try (Database other = TestDatabase.postgres(List.of())) {
            starts("sqlite");
            refused(address(other), "tidemill.db");
            Files.delete(data().resolve("database"));
            refused(address(other), "tidemill.db");
            starts("sqlite");
            starts(address(other), "take over");
            refused("sqlite", "postgresql://");
            starts(address(other));
            // One that both were started in before there was a mark: its PostgreSQL knows it.
            Files.delete(data().resolve("database"));
            starts(address(other));
        }
    }

    @Test
    void anSqliteDatabaseThatIsLostIsNotMadeAnewWithoutAWord() throws IOException {
        starts("sqlite");
        Files.delete(data().resolve("tidemill.db"));
        refused("sqlite", "tidemill.db");
        starts("sqlite", "take over");
        starts("sqlite");
    }

    @Test
    void aFirstStartThatFailedForItsDatabaseKeepsNobodyFromAnother() {
        assertThatThrownBy(() -> starts("postgresql://nobody@127.0.0.1:1/none")).isInstanceOf(TidemillException.class);
        starts("sqlite");
    }

    @Test
    void whatIsRestoredIntoAPostgresqlBelongsToIt() throws IOException {
        try (var source = TestDatabase.sqlite(List.of("platform", "artifacts"));
                Database target = TestDatabase.postgres(List.of())) {
            Path blob = folder.resolve("source/artifacts/ab/" + "0".repeat(62));
            Files.createDirectories(blob.getParent());
            Files.writeString(blob, "content");
            var backups = new Backups(
                    source,
                    folder.resolve("source"),
                    Optional.empty(),
                    new dev.tidemill.platform.retention.DeletionHold(),
                    new dev.tidemill.platform.retention.DeletionHold(),
                    "test",
                    Clock.systemUTC());
            Path file = folder.resolve("all.zip");
            try (Backups.Prepared prepared = backups.prepare();
                    OutputStream out = Files.newOutputStream(file)) {
                prepared.writeTo(out);
            }
            String address = address(target);
            RestoreCommand.restore(file, data(), DatabaseAddress.parse(address), Optional.empty());
            refused("sqlite", "postgresql://");
            starts(address);
        }
    }

    @Test
    void theLineThatStartsWhatWasRestoredIsWhole() {
        Path target = Path.of("data 2");
        assertThat(RestoreCommand.howToStart(target, DatabaseAddress.parse("sqlite"), Optional.empty()))
                .isEqualTo("tidemill server --data-dir 'data 2'");
        assertThat(RestoreCommand.howToStart(
                        Path.of("data2"),
                        DatabaseAddress.parse("postgresql://ann:hush%21@db.example:6000/ml?schema=team"),
                        Optional.of("s3://bucket/a")))
                .startsWith("TIDEMILL_ARTIFACTS_STORE=s3://bucket/a tidemill server --data-dir data2 --database"
                        + " 'postgresql://ann:PASSWORD@db.example:6000/ml?schema=team'")
                .contains("TIDEMILL_DATABASE")
                .doesNotContain("hush");
        assertThat(RestoreCommand.howToStart(
                        Path.of("data2"), DatabaseAddress.parse("postgresql://ann@db/ml"), Optional.empty()))
                .isEqualTo("tidemill server --data-dir data2 --database postgresql://ann@db:5432/ml");
    }
}
