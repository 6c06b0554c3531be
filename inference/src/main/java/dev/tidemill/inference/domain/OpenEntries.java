package dev.tidemill.inference.domain;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What has begun and is not with the sink, by deployment. Thread-safe. */
final class OpenEntries {
    /** Of which nobody knows the deployments yet: what a process before has left. */
    private static final Set<String> ANY = Set.of("");

    private static final class Open {
        private Set<String> deployments;
        /** That are not with the sink. */
        private int parts;

        private Open(Set<String> deployments, int parts) {
            this.deployments = deployments;
            this.parts = parts;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition progress = lock.newCondition();
    private final Map<String, NavigableSet<Long>> byKey = new HashMap<>();
    private final Map<Long, Open> entries = new HashMap<>();
    private long newest;

    /** Whose predictions these are. */
    static Set<String> deployments(List<Prediction> predictions) {
        return predictions.stream()
                .map(one -> Gateway.key(one.project(), one.deployment()))
                .collect(Collectors.toUnmodifiableSet());
    }

    /**
     * Begins one.
     *
     * @param deployments whose predictions it holds; none if that is not known
     * @param parts that go to the sink
     * @return its number, above all before
     */
    long begin(Set<String> deployments, int parts) {
        lock.lock();
        try {
            var open = new Open(deployments.isEmpty() ? ANY : deployments, parts);
            entries.put(++newest, open);
            index(newest, open);
            return newest;
        } finally {
            lock.unlock();
        }
    }

    private void index(long number, Open open) {
        open.deployments.forEach(
                key -> byKey.computeIfAbsent(key, unused -> new TreeSet<>()).add(number));
    }

    private void unindex(long number, Open open) {
        open.deployments.forEach(key -> byKey.computeIfPresent(key, (unused, numbers) -> {
            numbers.remove(number);
            return numbers.isEmpty() ? null : numbers;
        }));
    }

    /** Notes that one part is with the sink, or lost; with the last one the entry ends. */
    void endPart(long number) {
        lock.lock();
        try {
            Open open = entries.get(number);
            if (open != null && --open.parts == 0) {
                end(number);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Notes that nobody waits for any part any more. */
    void end(long number) {
        lock.lock();
        try {
            Open open = entries.remove(number);
            if (open != null) {
                unindex(number, open);
                progress.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether it is not known whose predictions one holds. */
    boolean isUnknown(long number) {
        lock.lock();
        try {
            Open open = entries.get(number);
            return open != null && open.deployments.equals(ANY);
        } finally {
            lock.unlock();
        }
    }

    /** Notes whose predictions one holds of which that was not known. */
    void learn(long number, Set<String> deployments) {
        lock.lock();
        try {
            Open open = entries.get(number);
            if (open != null && open.deployments.equals(ANY)) {
                unindex(number, open);
                open.deployments = deployments;
                index(number, open);
                progress.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits until nothing is open that a deployment may have predictions in, of what has begun before; false if not in time. */
    boolean await(String deployment, Duration time) throws InterruptedException {
        long remaining = time.toNanos();
        lock.lock();
        try {
            long target = newest;
            while (isOpen(deployment, target) && remaining > 0) {
                remaining = progress.awaitNanos(remaining);
            }
            return !isOpen(deployment, target);
        } finally {
            lock.unlock();
        }
    }

    private boolean isOpen(String deployment, long target) {
        return isOpen(byKey.get(deployment), target) || isOpen(byKey.get(""), target);
    }

    private static boolean isOpen(@Nullable NavigableSet<Long> numbers, long target) {
        return numbers != null && numbers.first() <= target;
    }
}
