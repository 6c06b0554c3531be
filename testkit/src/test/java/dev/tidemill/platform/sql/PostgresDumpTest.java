package dev.tidemill.platform.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.TestDatabase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class PostgresDumpTest {
    @Test
    void aDumpThatIsGivenNothingIsGivenUp() throws Exception {
        try (Database database = TestDatabase.postgres(List.of("platform"))) {
            var locked = new CountDownLatch(1);
            var release = new CountDownLatch(1);
            var holder = CompletableFuture.runAsync(() -> database.writing(handle -> {
                handle.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE");
                locked.countDown();
                try {
                    return release.await(60, java.util.concurrent.TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
            locked.await();
            var dump = new DatabaseDump(database, Duration.ofSeconds(1));
            try {
                assertThatThrownBy(() -> dump.write((name, lines) -> {}, () -> {}))
                        .isInstanceOf(TidemillException.class)
                        .hasMessageContaining("gave nothing for 1 s");
            } finally {
                release.countDown();
            }
            holder.join();
            var tables = new ArrayList<String>();
            // With all its patience: this one is given everything.
            new DatabaseDump(database)
                    .write((name, lines) -> {}, () -> {})
                    .path("tables")
                    .forEach(table -> tables.add(table.path("name").asText()));
            assertThat(tables).contains("event", "webhook");
        }
    }
}
