package dev.tidemill.platform.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.MovableClock;
import dev.tidemill.testkit.TestDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceLeaseTest {
    @TempDir
    Path folder;

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-21T08:00:00Z"));
    private Database database;

    @BeforeEach
    void open() {
        database = TestDatabase.postgres(List.of("platform"));
    }

    @AfterEach
    void close() {
        if (database != null) {
            database.close();
        }
    }

    /** As one that was stopped right after it had asked whether it holds the lease. */
    @Test
    @SuppressWarnings("try")
    void whatAStoppedServerHadNotCommittedWhenItsDatabaseWasTakenIsNeverWritten() throws Exception {
        probe();
        String schema = database.reading(handle -> handle.createQuery("SELECT current_schema()")
                .mapTo(String.class)
                .one());
        var address = DatabaseAddress.parse(System.getenv(TestDatabase.POSTGRES_VARIABLE) + "?schema=" + schema);
        String named;
        try (DataDirectory directory = DataDirectory.open(folder.resolve("one"))) {
            named = InstanceLease.connections(directory);
            try (Database stopped = Databases.open(address, folder, named);
                    InstanceLease lost = InstanceLease.claim(stopped, directory, false, clock)) {
                stopped.guardWrites(() -> {});
                assertThatThrownBy(() -> stopped.write(() -> {
                            stopped.writing(
                                    handle -> handle.execute("INSERT INTO probe (name) VALUES ('after the lease')"));
                            clock.advance(InstanceLease.LENGTH.plusSeconds(1));
                            claim("two", true);
                            return true;
                        }))
                        .isInstanceOf(RuntimeException.class);
                assertThat(written()).isEmpty();
                write("the successor's");
            }
        }
        assertThat(written()).containsExactly("the successor's");
        assertThat(named).matches("tidemill [0-9a-f]{16} [0-9A-Za-z-]+");
    }

    @Test
    void aDatabaseIsTakenBeforeItsSchemaIsTouched() {
        try (Database fresh = TestDatabase.postgres(List.of());
                DataDirectory one = DataDirectory.open(folder.resolve("one"));
                DataDirectory two = DataDirectory.open(folder.resolve("two"));
                InstanceLease lease = InstanceLease.claimUnmigrated(fresh, one, false, clock)) {
            assertThat(fresh.<Boolean>reading(handle -> handle.createQuery("SELECT to_regclass('run') IS NULL")
                            .mapTo(Boolean.class)
                            .one()))
                    .isTrue();
            assertThatThrownBy(() -> InstanceLease.claimUnmigrated(fresh, two, true, clock))
                    .hasMessageContaining("a server is running");
            assertThat(lease).isNotNull();
        }
    }

    private InstanceLease claim(String name, boolean takeOver) {
        try (DataDirectory directory = DataDirectory.open(folder.resolve(name))) {
            return InstanceLease.claim(database, directory, takeOver, clock);
        }
    }

    @Test
    void aSecondDirectoryIsRefusedWhetherTheFirstIsServedOrNot() {
        InstanceLease first = claim("one", false);
        assertThatThrownBy(() -> claim("two", true))
                .as("nothing takes a database from a server that runs")
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining(folder.resolve("one").toString())
                .hasMessageContaining("a server is running");
        first.close();
        assertThatThrownBy(() -> claim("two", false))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining(folder.resolve("one").toString());
        claim("two", true).close();
        assertThatThrownBy(() -> claim("one", false))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining(folder.resolve("two").toString());
    }

    private void write(String name) {
        database.writing(handle -> handle.createUpdate("INSERT INTO probe (name) VALUES (:name)")
                .bind("name", name)
                .execute());
    }

    private List<String> written() {
        return database.reading(handle -> handle.createQuery("SELECT name FROM probe ORDER BY name")
                .mapTo(String.class)
                .list());
    }

    private void probe() {
        database.writing(handle -> handle.execute("CREATE TABLE probe (name VARCHAR(20))"));
    }

    @Test
    void aServerWhoseLeaseIsOverWritesNothingUntilItIsRenewed() {
        probe();
        try (InstanceLease lease = claim("one", false)) {
            write("held");
            clock.advance(InstanceLease.LENGTH.minus(InstanceLease.MARGIN));
            assertThatThrownBy(() -> write("over"))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                    .hasMessageContaining("lease");
            assertThatThrownBy(database::requireWritable).isInstanceOf(TidemillException.class);
            assertThat(written()).containsExactly("held");
            Await.until("it is renewed", () -> {
                try {
                    write("renewed");
                    return true;
                } catch (TidemillException e) {
                    return false;
                }
            });
            assertThat(written()).containsExactly("held", "renewed");
        }
        assertThatThrownBy(() -> write("closed")).hasMessageContaining("closing");
    }

    /** As one that was frozen, whose lock somebody has removed. */
    @Test
    @SuppressWarnings("try")
    void aServerInWhosePlaceAnotherHasBeenStartedCommitsNothingAndLearnsOfIt() throws Exception {
        probe();
        String schema = database.reading(handle -> handle.createQuery("SELECT current_schema()")
                .mapTo(String.class)
                .one());
        var address = DatabaseAddress.parse(System.getenv(TestDatabase.POSTGRES_VARIABLE) + "?schema=" + schema);
        Path place = folder.resolve("one");
        try (DataDirectory directory = DataDirectory.open(place);
                Database first = Databases.open(address, folder, InstanceLease.connections(directory));
                InstanceLease lost = InstanceLease.claim(first, directory, false, clock)) {
            assertThatThrownBy(() -> first.write(() -> {
                        first.writing(handle -> handle.execute("INSERT INTO probe (name) VALUES ('frozen')"));
                        clock.advance(Duration.ofMillis(1));
                        CompletableFuture.runAsync(() -> follow(address, place)).join();
                        return true;
                    }))
                    .isInstanceOf(RuntimeException.class);
            Await.until("it is known", () -> {
                try {
                    first.requireWritable();
                    return false;
                } catch (TidemillException e) {
                    return e.message().contains("taken by a server");
                }
            });
        }
        assertThat(written()).containsExactly("the second's");
        assertThat(database.<Long>reading(handle -> handle.createQuery("SELECT lease_until FROM server_instance")
                        .mapTo(Long.class)
                        .one()))
                .as("the second gave it back, and the first took nothing")
                .isZero();
    }

    @SuppressWarnings("try")
    private void follow(DatabaseAddress address, Path place) {
        try {
            Files.delete(place.resolve("lock"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try (DataDirectory directory = DataDirectory.open(place);
                Database second = Databases.open(address, folder, InstanceLease.connections(directory));
                InstanceLease lease = InstanceLease.claim(second, directory, false, clock)) {
            second.writing(handle -> handle.execute("INSERT INTO probe (name) VALUES ('the second''s')"));
        }
    }

    @Test
    void workThatIsUnderWayWhenTheLeaseEndsIsNotCommitted() {
        probe();
        try (InstanceLease lease = claim("one", false)) {
            assertThatThrownBy(() -> database.write(() -> {
                        write("slow");
                        clock.advance(InstanceLease.LENGTH);
                        return true;
                    }))
                    .isInstanceOf(TidemillException.class);
            assertThat(written()).isEmpty();
        }
    }

    @Test
    void aServerThatHasLostItsDatabaseToAnotherWritesNothingMoreAndSaysToWhom() {
        probe();
        try (InstanceLease lease = claim("one", false)) {
            write("mine");
            database.writing(
                    handle -> handle.execute("UPDATE server_instance SET directory_id = 'other', host = 'elsewhere',"
                            + " directory = '/srv/other'"));
            Await.until("it is seen", () -> {
                try {
                    database.requireWritable();
                    return false;
                } catch (TidemillException e) {
                    return e.message().contains("elsewhere") && e.message().contains("/srv/other");
                }
            });
            assertThatThrownBy(() -> write("still"))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
            assertThat(written()).containsExactly("mine");
        }
        String holder = database.reading(
                handle -> handle.createQuery("SELECT directory_id FROM server_instance WHERE lease_until > 0")
                        .mapTo(String.class)
                        .one());
        assertThat(holder).as("the other's lease stays").isEqualTo("other");
    }

    @Test
    void whoeverFollowsInTheSameDirectoryDoesSoAtOnceHoweverTheFirstEnded() {
        claim("one", false);
        claim("one", false).close();
    }

    @Test
    void aMovedDirectoryIsKnownAgainOnceItsLeaseIsOver() throws Exception {
        claim("one", false);
        Files.move(folder.resolve("one"), folder.resolve("moved"));
        clock.advance(InstanceLease.LENGTH.plusSeconds(1));
        InstanceLease lease = claim("moved", false);
        lease.close();
        assertThat(folder.resolve("moved/identity")).exists();
    }
}
