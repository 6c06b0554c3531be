package dev.tidemill.platform.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqliteWriterTest {
    @TempDir
    Path folder;

    /** A thread of its own with a unit of work, which waits behind the one that is being carried out. */
    private static CompletableFuture<Integer> queued(Database database, Runnable work) {
        var result = new CompletableFuture<Integer>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                result.complete(database.write(() -> {
                    work.run();
                    return 1;
                }));
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        });
        Await.until("it waits", () -> thread.getState() == Thread.State.WAITING);
        return result;
    }

    @Test
    void whenSqliteRollsBackByItselfTheNeighboursHearWhy() {
        try (var database = new SqliteDatabase(folder.resolve("a.db"))) {
            database.writing(handle -> handle.execute("CREATE TABLE t (x INTEGER)"));
            var release = new CountDownLatch(1);
            CompletableFuture<Integer> holder = queued(database, () -> {
                try {
                    assertThat(release.await(60, TimeUnit.SECONDS)).isTrue();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            CompletableFuture<Integer> before =
                    queued(database, () -> database.writing(handle -> handle.execute("INSERT INTO t VALUES (1)")));
            CompletableFuture<Integer> full = queued(database, () -> {
                database.writing(handle -> handle.execute("ROLLBACK"));
                throw new TidemillException(ErrorCode.STORAGE_FULL, "full for the test");
            });
            CompletableFuture<Integer> after =
                    queued(database, () -> database.writing(handle -> handle.execute("INSERT INTO t VALUES (2)")));
            release.countDown();
            holder.join();
            for (CompletableFuture<Integer> one : List.of(before, full, after)) {
                assertThatThrownBy(one::join)
                        .isInstanceOf(CompletionException.class)
                        .cause()
                        .isInstanceOfSatisfying(
                                TidemillException.class,
                                failure -> assertThat(failure.code()).isEqualTo(ErrorCode.STORAGE_FULL));
            }
            assertThat(database.<Integer>reading(handle -> handle.select("SELECT COUNT(*) FROM t")
                            .mapTo(Integer.class)
                            .one()))
                    .isZero();
            assertThat(database.<Integer>writing(handle -> handle.execute("INSERT INTO t VALUES (3)")))
                    .isOne();
        }
    }

    @Test
    void nobodyWaitsForADatabaseThatIsClosed() {
        for (int round = 0; round < 20; round++) {
            var database = new SqliteDatabase(folder.resolve(round + ".db"));
            database.writing(handle -> handle.execute("CREATE TABLE t (x INTEGER)"));
            var writers = new ArrayList<Thread>();
            for (int i = 0; i < 8; i++) {
                writers.add(Thread.ofPlatform().start(() -> {
                    try {
                        while (true) {
                            database.writing(handle -> handle.execute("INSERT INTO t VALUES (1)"));
                        }
                    } catch (TidemillException closed) {
                        assertThat(closed.code()).isEqualTo(ErrorCode.UNAVAILABLE);
                    }
                }));
            }
            database.close();
            Await.until("all to be told", () -> writers.stream().noneMatch(Thread::isAlive));
        }
    }
}
