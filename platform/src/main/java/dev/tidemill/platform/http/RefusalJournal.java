package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.sql.Database;
import io.javalin.http.Context;
import java.time.Clock;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Journals refused requests for the auditor. Written behind the answer through a bounded queue, so that a flood of bad
 * requests costs the flood, not the server; what does not fit is counted in the log.
 */
final class RefusalJournal {
    private static final Logger LOG = LoggerFactory.getLogger(RefusalJournal.class);
    private static final int QUEUE = 1000;

    private record Refusal(long time, String actor, String address, String method, String path, ErrorCode code) {}

    private final Database database;
    private final Clock clock;
    private final BlockingQueue<Refusal> queue = new ArrayBlockingQueue<>(QUEUE);

    RefusalJournal(Database database, Clock clock) {
        this.database = database;
        this.clock = clock;
        Thread.ofVirtual().name("refusal-journal").start(this::drain);
    }

    void record(String actor, Context context, ErrorCode code) {
        String path = context.path();
        var refusal = new Refusal(
                clock.millis(),
                actor,
                context.ip(),
                context.method().name(),
                path.length() > 1000 ? path.substring(0, 1000) : path,
                code);
        if (!queue.offer(refusal)) {
            LOG.warn("The journal of refusals is full; one refusal of {} was not journalled", actor);
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

    private void write(Refusal refusal) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO audit_refusal (record_time, actor, address, method, path, code)
                        VALUES (:time, :actor, :address, :method, :path, :code)
                        """)
                .bind("time", refusal.time())
                .bind("actor", refusal.actor())
                .bind("address", refusal.address())
                .bind("method", refusal.method())
                .bind("path", refusal.path())
                .bind("code", refusal.code().name())
                .execute());
    }
}
