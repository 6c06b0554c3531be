package dev.tidemill.inference.domain;

import java.util.HashMap;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What has begun and is not with the sink, by deployment. Used under one lock. */
final class OpenEntries {
    /** Of which nobody knows the deployments yet: what a process before has left. */
    private static final Set<String> ANY = Set.of("");

    private final Map<String, NavigableSet<Long>> byKey = new HashMap<>();
    private final Map<Long, Set<String>> keys = new HashMap<>();
    private long newest;

    /**
     * Begins one.
     *
     * @param deployments whose predictions it holds; none if that is not known
     * @return its number, above all before
     */
    long begin(Set<String> deployments) {
        add(++newest, deployments.isEmpty() ? ANY : deployments);
        return newest;
    }

    private void add(long number, Set<String> deployments) {
        keys.put(number, deployments);
        deployments.forEach(
                key -> byKey.computeIfAbsent(key, unused -> new TreeSet<>()).add(number));
    }

    void end(long number) {
        Set<String> deployments = keys.remove(number);
        if (deployments != null) {
            deployments.forEach(key -> byKey.computeIfPresent(key, (unused, numbers) -> {
                numbers.remove(number);
                return numbers.isEmpty() ? null : numbers;
            }));
        }
    }

    /** Whether it is not known whose predictions one holds. */
    boolean isUnknown(long number) {
        return ANY.equals(keys.get(number));
    }

    /** Notes whose predictions one holds of which that was not known. */
    void learn(long number, Set<String> deployments) {
        if (isUnknown(number)) {
            end(number);
            add(number, deployments);
        }
    }

    /** Number of the newest that was begun. */
    long newest() {
        return newest;
    }

    /** Whether something is open that a deployment may have predictions in, up to a number. */
    boolean isOpen(String deployment, long target) {
        return isOpen(byKey.get(deployment), target) || isOpen(byKey.get(""), target);
    }

    private static boolean isOpen(@Nullable NavigableSet<Long> numbers, long target) {
        return numbers != null && numbers.first() <= target;
    }
}
