package dev.tidemill.platform.sql;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConnection;
import org.sqlite.core.DB;

/**
 * Interrupts reads that take too long: SQLite's driver has no time limit of its own for a statement that runs. What is interrupted
 * fails with {@code SQLITE_INTERRUPT}. Thread-safe.
 */
final class SqliteDeadlines implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SqliteDeadlines.class);

    /** An interrupt ends the statement that runs; one that begins later needs another. */
    private static final long LOOK_MILLIS = 200;

    /** Looked through now and then, so that a read, of which there are thousands a second, costs no timer. */
    private final Set<Deadline> running = ConcurrentHashMap.newKeySet();

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("sqlite-deadlines").factory());

    SqliteDeadlines() {
        var unused = timer.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Interrupts what this handle's connection does from so much later on, until the deadline is closed. */
    Deadline of(Handle handle, Duration time) {
        try {
            var deadline = new Deadline(
                    handle.getConnection().unwrap(SQLiteConnection.class).getDatabase(), time);
            running.add(deadline);
            return deadline;
        } catch (SQLException e) {
            throw new ConnectionException(e);
        }
    }

    private void look() {
        long now = System.nanoTime();
        for (Deadline deadline : running) {
            if (now - deadline.at >= 0) {
                deadline.interrupt();
            }
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }

    /** Once it is closed, nothing is interrupted any more: the connection is the next one's. */
    final class Deadline implements AutoCloseable {
        private final DB connection;
        private final long at;
        private final ReentrantLock lock = new ReentrantLock();
        private boolean over;

        private Deadline(DB connection, Duration time) {
            this.connection = connection;
            this.at = System.nanoTime() + time.toNanos();
        }

        private void interrupt() {
            lock.lock();
            try {
                if (!over) {
                    connection.interrupt();
                }
            } catch (SQLException | RuntimeException e) {
                LOG.warn("A read that takes too long could not be interrupted", e);
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            running.remove(this);
            lock.lock();
            try {
                over = true;
            } finally {
                lock.unlock();
            }
        }
    }
}
