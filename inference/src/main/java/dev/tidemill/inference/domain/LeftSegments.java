package dev.tidemill.inference.domain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Segments of the log with what had no place in memory, or was left by a process before: read again and given to the sink, each
 * behind the others once it has failed. {@link #leave} is thread-safe; the rest is used by one thread.
 */
final class LeftSegments {
    private static final Logger LOG = LoggerFactory.getLogger(LeftSegments.class);

    private final PredictionLog log;
    private final Delivery delivery;
    private final OpenEntries open;
    private final Duration pause;
    private final Rounds rounds;
    /** Numbers of the entries with something left, by segment; no segment is readable while more may be left in it. */
    private final Map<Long, List<Long>> left = new ConcurrentHashMap<>();

    /** Attempts at segments that the sink did not take at the last one. */
    private final Map<Long, Integer> attempts = new HashMap<>();

    private final Set<Long> postponed = new HashSet<>();
    private long readAgain = System.nanoTime();

    /** @param pause between two attempts */
    LeftSegments(PredictionLog log, Delivery delivery, OpenEntries open, Duration pause) {
        this.log = log;
        this.delivery = delivery;
        this.open = open;
        this.pause = pause;
        this.rounds = new Rounds(pause);
        // What a process before has left is with the sink before anything is said of what it held.
        log.readable().forEach(segment -> left.put(segment, List.of(open.begin(Set.of(), 1))));
    }

    /** Leaves a part of an entry to be read again. */
    void leave(long segment, long entry) {
        left.merge(segment, List.of(entry), (before, more) -> {
            var both = new ArrayList<>(before);
            both.addAll(more);
            return both;
        });
        log.leave(segment);
    }

    /**
     * Reads what is left, once there is time for it. A segment that the sink does not take is tried again after the others, and
     * after a pause, in which what is in memory goes on.
     *
     * @param crowded whether what is in memory needs the time
     */
    void read(BooleanSupplier crowded) {
        if (System.nanoTime() - readAgain < 0) {
            return;
        }
        List<Long> readable = log.readable();
        if (!postponed.isEmpty() && postponed.containsAll(readable)) {
            if (!rounds.begin(delivery.news())) {
                return;
            }
            postponed.clear();
        }
        for (long segment : readable) {
            if (crowded.getAsBoolean()) {
                return;
            }
            if (!postponed.contains(segment)) {
                try {
                    read(segment);
                } catch (RuntimeException | Error e) {
                    LOG.warn("Segment {} could not be journalled; trying again: {}", segment, e.toString());
                    postpone(segment, e);
                    return;
                }
                end(segment);
            }
        }
    }

    private void read(long segment) {
        if (attempts.getOrDefault(segment, 0) < Delivery.TRIES) {
            log.read(segment, batch -> delivery.give(batch, false));
        } else {
            readApart(segment);
        }
    }

    /** Gives all of a segment, also what follows a batch that is not taken. */
    private void readApart(long segment) {
        var failed = new AtomicReference<RuntimeException>();
        log.read(segment, batch -> {
            try {
                delivery.giveApart(batch, false);
            } catch (RuntimeException e) {
                if (!Delivery.isUnexpected(e)) {
                    throw e;
                }
                failed.set(e);
            }
        });
        if (failed.get() != null) {
            throw failed.get();
        }
    }

    private void end(long segment) {
        log.forget(segment);
        attempts.remove(segment);
        List<Long> entries = left.remove(segment);
        if (entries != null) {
            entries.forEach(open::endPart);
        }
    }

    private void postpone(long segment, Throwable failure) {
        if (Delivery.isUnexpected(failure)) {
            attempts.merge(segment, 1, Integer::sum);
        }
        postponed.add(segment);
        rounds.fail(failure);
        readAgain = System.nanoTime() + pause.toNanos();
        learnDeployments(segment);
    }

    /** Finds out who has to wait for a segment of a process before; until then everybody does. */
    private void learnDeployments(long segment) {
        List<Long> entries = left.getOrDefault(segment, List.of());
        if (entries.stream().noneMatch(open::isUnknown)) {
            return;
        }
        var found = new HashSet<String>();
        try {
            log.read(segment, batch -> found.addAll(OpenEntries.deployments(batch)));
        } catch (RuntimeException e) {
            LOG.debug("Segment {} does not tell its deployments yet: {}", segment, e.toString());
            return;
        }
        entries.forEach(entry -> open.learn(entry, found));
    }
}
