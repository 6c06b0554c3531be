package dev.tidemill.platform.auth;

import dev.tidemill.platform.sql.Database;
import java.time.Clock;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journal of refusals in the database. Written behind the answer through a bounded queue, so that a flood of bad
 * requests costs the flood, not the server; what does not fit is counted in the log.
 */
public final class SqlRefusalJournal implements RefusalJournal, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SqlRefusalJournal.class);
    private static final int QUEUE = 1000;

    private record Entry(long time, Refusal refusal) {}

    private final Database database;
    private final Clock clock;
    private final Thread thread;
    private final BlockingQueue<Entry> queue = new ArrayBlockingQueue<>(QUEUE);

    public SqlRefusalJournal(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
        this.thread = Thread.ofVirtual().name("refusal-journal").start(this::drain);
    }

    @Override
    public void record(Refusal refusal) {
        if (!queue.offer(new Entry(clock.millis(), refusal))) {
            LOG.warn("The journal of refusals is full; one refusal of {} was not journalled", refusal.actor());
        }
    }

    private void drain() {
        while (true) {
            try {
                write(queue.take());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (RuntimeException e) {
                LOG.warn("A refusal could not be journalled: {}", e.getMessage());
            }
        }
    }

    private void write(Entry entry) {
        Refusal refusal = entry.refusal();
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO audit_refusal (record_time, actor, address, method, path, code)
                        VALUES (:time, :actor, :address, :method, :path, :code)
                        """)
                .bind("time", entry.time())
                .bind("actor", refusal.actor())
                .bind("address", refusal.address())
                .bind("method", refusal.method())
                .bind("path", refusal.path())
                .bind("code", refusal.code().name())
                .execute());
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
