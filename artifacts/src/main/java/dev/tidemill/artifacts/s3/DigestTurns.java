package dev.tidemill.artifacts.s3;

import dev.tidemill.artifacts.domain.Digest;
import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;

/** Lets one at a time do something about a blob, so that of many who want the same one sends or fetches it. Thread-safe. */
final class DigestTurns {
    /** What is done in a turn. */
    @FunctionalInterface
    interface Work<T> {
        T run() throws IOException;
    }

    private static final class Turn {
        private final ReentrantLock lock = new ReentrantLock();
        /** Who has it or waits for it; changed only within the map's own lock on the entry. */
        private int users;
    }

    private final ConcurrentMap<Digest, Turn> turns = new ConcurrentHashMap<>();

    <T> T take(Digest digest, Work<T> work) throws IOException {
        Turn turn = turns.compute(digest, (key, known) -> {
            Turn one = known == null ? new Turn() : known;
            one.users++;
            return one;
        });
        turn.lock.lock();
        try {
            return work.run();
        } finally {
            turn.lock.unlock();
            turns.computeIfPresent(digest, (key, known) -> --known.users == 0 ? null : known);
        }
    }
}
