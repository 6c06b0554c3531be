package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.statistics.WindowProfile;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Sums the journal into slices, page by page and outside of any unit of work. Thread-safe. */
final class Slicing {
    private final JournalStore journal;

    Slicing(JournalStore journal) {
        this.journal = journal;
    }

    /**
     * The slices from one time to another, those without rows left out. None reaches over the end of a window.
     *
     * @param longest that one may last
     * @param windowStart any time at which a window begins
     * @param version whose reference profile is given
     */
    List<Slice> between(
            Deployment deployment,
            Monitor monitor,
            Duration longest,
            Instant windowStart,
            Instant from,
            Instant until,
            int version,
            Optional<WindowProfile> reference) {
        var slices = new ArrayList<Slice>();
        Instant start = from;
        while (start.isBefore(until)) {
            Optional<Instant> next =
                    journal.first(new JournalStore.Range(deployment.project(), deployment.name(), start, until));
            if (next.isEmpty()) {
                break;
            }
            start = startOf(next.get(), start, windowStart, monitor.window(), longest);
            Instant end = earliest(start.plus(longest), until, windowEnd(windowStart, start, monitor.window()));
            slices.add(sum(deployment, start, end, version, reference));
            start = end;
        }
        return slices;
    }

    /** The slices, those of another champion's reference counted again by this one. */
    List<Slice> recounted(Deployment deployment, List<Slice> slices, int version, Optional<WindowProfile> reference) {
        return slices.stream()
                .map(slice -> slice.version() == version
                        ? slice
                        : sum(deployment, slice.startsAt(), slice.endsAt(), version, reference))
                .toList();
    }

    private Slice sum(
            Deployment deployment, Instant from, Instant until, int version, Optional<WindowProfile> reference) {
        var builder = new Slice.Builder(reference);
        var range = new JournalStore.Range(deployment.project(), deployment.name(), from, until);
        journal.forEach(range, builder::add);
        return builder.build(from, until, version);
    }

    /** Where the slice of a time begins, if slices follow each other from a start on. */
    private static Instant startOf(
            Instant time, Instant start, Instant windowStart, Duration window, Duration longest) {
        Instant opens = windowEnd(windowStart, time, window).minus(window);
        Instant base = opens.isAfter(start) ? opens : start;
        long length = longest.toMillis();
        return base.plusMillis((time.toEpochMilli() - base.toEpochMilli()) / length * length);
    }

    /** The end of the window that a time lies in; it may begin at any time that a window does. */
    static Instant windowEnd(Instant windowStart, Instant time, Duration window) {
        long length = window.toMillis();
        long windows = Math.floorDiv(time.toEpochMilli() - windowStart.toEpochMilli(), length);
        return windowStart.plusMillis((windows + 1) * length);
    }

    private static Instant earliest(Instant... times) {
        return java.util.Arrays.stream(times).min(Instant::compareTo).orElseThrow();
    }
}
