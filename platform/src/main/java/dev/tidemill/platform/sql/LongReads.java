package dev.tidemill.platform.sql;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Reads of many rows: at most half of a database's connections make such reads at a time, in the order in which they came, so that a
 * short read always finds a connection. Thread-safe.
 */
final class LongReads {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final Semaphore places;
    private final Duration patience;

    /** @param connections that there are for reads */
    LongReads(int connections) {
        this(connections, PATIENCE);
    }

    LongReads(int connections, Duration patience) {
        this.places = new Semaphore(Math.max(1, connections / 2), true);
        this.patience = patience;
    }

    /**
     * Reads in its turn; within a unit of work at once, since that has its connection.
     *
     * @throws TidemillException {@code UNAVAILABLE} if its turn does not come within a minute
     */
    <T> T inTurn(Supplier<T> read) {
        if (Session.current().isPresent()) {
            return read.get();
        }
        try {
            if (!places.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "Too many long reads of the database are waiting")
                        .remedy("Try again later");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while waiting to read").causedBy(e);
        }
        try {
            return read.get();
        } finally {
            places.release();
        }
    }
}
