package dev.tidemill.platform.sql;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.RequestMemory;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Reads of many rows: at most three quarters of a database's connections make such reads at a time, so that a short read always
 * finds one. Each caller has a line of its own and holds at most half of the connections, so that there is a place for another; a
 * place that comes free goes to the caller who holds the fewest, and of those to the one who was served longest ago. What belongs to
 * no request is the server's own work, and one party among the callers. Thread-safe.
 */
final class LongReads {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final int places;
    private final int most;
    private final Duration patience;
    private final ReentrantLock lock = new ReentrantLock();

    /** Those who wait by their callers; whoever was served last stands last. */
    private final Map<String, Deque<Waiter>> lines = new LinkedHashMap<>();

    private final Map<String, Integer> held = new HashMap<>();
    private int taken;

    private static final class Waiter {
        private final Condition called;
        private boolean turn;

        Waiter(Condition called) {
            this.called = called;
        }
    }

    /** @param connections that there are for reads */
    LongReads(int connections) {
        this(connections, PATIENCE);
    }

    LongReads(int connections, Duration patience) {
        this.places = Math.max(1, connections * 3 / 4);
        this.most = Math.max(1, connections / 2);
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
        String caller = RequestMemory.caller().orElse("");
        await(caller);
        try {
            return read.get();
        } finally {
            release(caller);
        }
    }

    private void await(String caller) {
        lock.lock();
        try {
            var self = new Waiter(lock.newCondition());
            lines.computeIfAbsent(caller, name -> new ArrayDeque<>()).add(self);
            callNext();
            try {
                long left = patience.toNanos();
                while (!self.turn && left > 0) {
                    left = self.called.awaitNanos(left);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                if (!self.turn) {
                    leave(caller, self);
                    throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while waiting to read").causedBy(e);
                }
            }
            if (!self.turn) {
                leave(caller, self);
                throw new TidemillException(ErrorCode.UNAVAILABLE, "Too many long reads of the database are waiting")
                        .remedy("Try again later");
            }
        } finally {
            lock.unlock();
        }
    }

    /** Nobody behind it has waited for it alone: whether a line is called depends on what its caller holds. */
    private void leave(String caller, Waiter waiter) {
        lines.computeIfPresent(caller, (name, line) -> {
            line.remove(waiter);
            return line.isEmpty() ? null : line;
        });
    }

    private void callNext() {
        while (taken < places) {
            // The first of those who hold as few: lines are in the order in which they were served.
            String next = lines.keySet().stream()
                    .filter(caller -> held(caller) < most)
                    .min(Comparator.comparingInt(this::held))
                    .orElse(null);
            Deque<Waiter> line = next == null ? null : lines.remove(next);
            if (next == null || line == null) {
                return;
            }
            Waiter first = line.removeFirst();
            if (!line.isEmpty()) {
                lines.put(next, line);
            }
            taken++;
            held.merge(next, 1, Integer::sum);
            first.turn = true;
            first.called.signal();
        }
    }

    private int held(String caller) {
        return held.getOrDefault(caller, 0);
    }

    private void release(String caller) {
        lock.lock();
        try {
            taken--;
            held.computeIfPresent(caller, (name, count) -> count == 1 ? null : count - 1);
            callNext();
        } finally {
            lock.unlock();
        }
    }

    /** Reads that wait for their turn. */
    int waiting() {
        lock.lock();
        try {
            return lines.values().stream().mapToInt(Deque::size).sum();
        } finally {
            lock.unlock();
        }
    }
}
