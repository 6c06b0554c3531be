package dev.tidemill.platform.load;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Who waits for memory, by age: the oldest waits longest, so that requests that hold a part each and wait for each other do not
 * all give up in the same moment. Not thread-safe; the budget's lock guards it.
 */
final class Waiting {
    /** How many times as long the oldest waits of those who wait of one caller. */
    private static final int OLDEST_OF_CALLER = 5;

    /** How many times as long the oldest of all waits: longer than any caller's oldest, if those wait for each other. */
    private static final int OLDEST = 10;

    /** Threads that wait, by their request's number: a request can wait in several. */
    private final SortedMap<Long, Integer> all = new TreeMap<>();

    private final Map<String, SortedMap<Long, Integer>> callers = new HashMap<>();

    /**
     * Begins to wait.
     *
     * @param number the smaller, the older
     * @return whether somebody who was the oldest, of all or of its caller, is so no more, and has less time
     */
    boolean add(String caller, long number) {
        all.merge(number, 1, Integer::sum);
        callers.computeIfAbsent(caller, name -> new TreeMap<>()).merge(number, 1, Integer::sum);
        return all.size() > 1 && times(caller, number) > 1;
    }

    /**
     * Waits no more.
     *
     * @return whether somebody else is the oldest now, of all or of its caller, and has more time
     */
    boolean remove(String caller, long number) {
        boolean oldest = times(caller, number) > 1;
        removeOne(all, number);
        callers.computeIfPresent(caller, (name, numbers) -> removeOne(numbers, number) ? null : numbers);
        return oldest && !all.isEmpty();
    }

    /** How many times the usual patience one has that waits. */
    int times(String caller, long number) {
        if (all.firstKey() == number) {
            return OLDEST;
        }
        SortedMap<Long, Integer> ofCaller = Objects.requireNonNull(callers.get(caller), "it waits");
        return ofCaller.firstKey() == number ? OLDEST_OF_CALLER : 1;
    }

    /** Whether nothing is left. */
    private static boolean removeOne(SortedMap<Long, Integer> numbers, long number) {
        numbers.computeIfPresent(number, (key, threads) -> threads == 1 ? null : threads - 1);
        return numbers.isEmpty();
    }
}
