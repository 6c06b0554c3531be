package dev.tidemill.testkit.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PostgresDatabaseTest extends DatabaseContract {
    @Override
    Database open() {
        return TestDatabase.postgres(List.of("platform"));
    }

    /** Who means to insert what is there already is told so at once, and holds nobody up. */
    @Test
    void aKeyThatIsTakenIsTriedOnceMoreAndWaitsForNobody() throws Exception {
        try (Database database = open();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            database.writing(handle -> handle.execute("CREATE TABLE keyed (k VARCHAR(20) PRIMARY KEY, made TEXT)"));
            database.writing(handle -> handle.execute("INSERT INTO keyed VALUES ('a', '')"));
            var begun = new CountDownLatch(1);
            var end = new CountDownLatch(1);
            Future<?> slow = threads.submit(() -> database.write(() -> {
                begun.countDown();
                try {
                    return end.await(60, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
            begun.await();
            var runs = new AtomicInteger();
            Future<Integer> twice = threads.submit(() -> database.writing(handle -> {
                int run = runs.incrementAndGet();
                // As in a batch with an id that is new each time.
                return handle.prepareBatch("INSERT INTO keyed VALUES (:k, :made)")
                        .bind("k", "b" + run)
                        .bind("made", "run " + run)
                        .add()
                        .bind("k", "a")
                        .bind("made", "run " + run)
                        .add()
                        .execute()[0];
            }));
            try {
                assertThatThrownBy(() -> twice.get(30, TimeUnit.SECONDS))
                        .cause()
                        .isInstanceOfSatisfying(
                                TidemillException.class,
                                refused -> assertThat(refused.code()).isEqualTo(ErrorCode.ALREADY_EXISTS));
                assertThat(runs).hasValue(2);
                assertThat(slow.isDone()).isFalse();
            } finally {
                end.countDown();
            }
        }
    }
}
