package dev.tidemill.platform.load;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Who waits for memory, by age, of all and of each caller: what is given back is kept for the oldest. Not thread-safe; the budget's
 * lock guards it.
 */
final class Waiting {
    /**
     * One thread that waits.
     *
     * @param request its number: the smaller, the older
     * @param thread tells apart those of one request
     * @param bytes that it lacks
     */
    record Waiter(BytesInFlight.Reservation reservation, long request, long thread, String caller, long bytes) {}

    private static final Comparator<Waiter> OLDEST_FIRST =
            Comparator.comparingLong(Waiter::request).thenComparingLong(Waiter::thread);

    private final SortedSet<Waiter> all = new TreeSet<>(OLDEST_FIRST);
    private final Map<String, SortedSet<Waiter>> callers = new HashMap<>();

    /** Begins to wait; whether another was the oldest so far, of all or of its caller. */
    boolean add(Waiter waiter) {
        SortedSet<Waiter> ofCaller = callers.computeIfAbsent(waiter.caller(), name -> new TreeSet<>(OLDEST_FIRST));
        all.add(waiter);
        ofCaller.add(waiter);
        return isFirst(all, waiter) || isFirst(ofCaller, waiter);
    }

    /** Waits no more; whether another is the oldest now, of all or of its caller. */
    boolean remove(Waiter waiter) {
        SortedSet<Waiter> ofCaller = callers.getOrDefault(waiter.caller(), new TreeSet<>(OLDEST_FIRST));
        boolean passedOn = isFirst(all, waiter) || isFirst(ofCaller, waiter);
        all.remove(waiter);
        ofCaller.remove(waiter);
        if (ofCaller.isEmpty()) {
            callers.remove(waiter.caller());
        }
        return passedOn;
    }

    /** Whether it is the first of several. */
    private static boolean isFirst(SortedSet<Waiter> waiters, Waiter waiter) {
        return waiters.size() > 1 && waiters.first().equals(waiter);
    }

    /** The oldest of those that lack nothing but what is free of the whole budget; others wait for their own caller. */
    Optional<Waiter> oldest() {
        return all.stream()
                .filter(waiter -> waiter.reservation().isShareFree(waiter.bytes()))
                .findFirst();
    }

    Optional<Waiter> oldestOf(String caller) {
        return Optional.ofNullable(callers.get(caller)).map(SortedSet::first);
    }
}
