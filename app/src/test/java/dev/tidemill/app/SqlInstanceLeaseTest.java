package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.MovableClock;
import dev.tidemill.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqlInstanceLeaseTest {
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

    private SqlInstanceLease claim(String name, boolean takeOver) {
        try (DataDirectory directory = DataDirectory.open(folder.resolve(name))) {
            return SqlInstanceLease.claim(database, directory, takeOver, clock);
        }
    }

    @Test
    void aSecondDirectoryIsRefusedWhetherTheFirstIsServedOrNot() {
        SqlInstanceLease first = claim("one", false);
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

    @Test
    void whoeverFollowsInTheSameDirectoryDoesSoAtOnceHoweverTheFirstEnded() {
        claim("one", false);
        claim("one", false).close();
    }

    @Test
    void aMovedDirectoryIsKnownAgainOnceItsLeaseIsOver() throws Exception {
        claim("one", false);
        Files.move(folder.resolve("one"), folder.resolve("moved"));
        clock.advance(SqlInstanceLease.LENGTH.plusSeconds(1));
        SqlInstanceLease lease = claim("moved", false);
        lease.close();
        assertThat(folder.resolve("moved/identity")).exists();
    }
}
