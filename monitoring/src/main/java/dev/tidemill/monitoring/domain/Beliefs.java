package dev.tidemill.monitoring.domain;

import dev.tidemill.inference.domain.Prediction;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which rows of a deployment are believed as its clock goes through a batch: releases and holds what came before, be it
 * journalled or of this batch. One unit of work, in which the deployment's state is locked; not thread-safe.
 */
final class Beliefs {
    private final JournalStore journal;
    private final String project;
    private final String name;
    private final Duration horizon;
    private final Map<Prediction, Quarantine> quarantined;
    private final List<Prediction> before = new ArrayList<>();
    private Optional<EventClock.Interval> reached = Optional.empty();
    /** How many more are held than the clock knows of. */
    private int change;

    /** @param quarantined takes those of the batch that are held, with the cause */
    Beliefs(
            JournalStore journal,
            String project,
            String name,
            Duration horizon,
            Map<Prediction, Quarantine> quarantined) {
        this.journal = journal;
        this.project = project;
        this.name = name;
        this.horizon = horizon;
        this.quarantined = quarantined;
    }

    /**
     * Takes what became of the next of the batch.
     *
     * @return the clock once what follows from it has been released and held
     */
    EventClock take(Prediction prediction, EventClock.Taken taken) {
        taken.quarantine().ifPresent(cause -> quarantined.put(prediction, cause));
        EventClock clock = taken.clock();
        if (taken.released().isPresent()) {
            EventClock.Interval released = taken.released().get();
            if (released.until().isAfter(clock.watermark())) {
                releaseReached();
                clock = release(clock, released, prediction.receivedAt());
            } else {
                // Moves nothing, so that those of a whole batch are looked for at once.
                reached = reached.map(earlier -> earlier.with(released)).or(() -> Optional.of(released));
            }
        }
        if (taken.restarted() && !clock.declared()) {
            releaseReached();
            hold(clock);
        }
        before.add(prediction);
        return counted(clock);
    }

    /** Releases those that the watermark has come to. */
    EventClock settle(EventClock clock) {
        releaseReached();
        return counted(clock);
    }

    private void releaseReached() {
        reached.ifPresent(this::released);
        reached = Optional.empty();
    }

    private EventClock counted(EventClock clock) {
        EventClock counted = clock.counted(change);
        change = 0;
        return counted;
    }

    /** Releases those of an interval and those that the latest of them brings near. */
    private EventClock release(EventClock clock, EventClock.Interval interval, Instant receivedAt) {
        EventClock now = clock;
        EventClock.Interval next = interval;
        while (true) {
            Instant latest = released(next).orElse(now.watermark());
            if (now.declared() || !latest.isAfter(now.watermark())) {
                return now;
            }
            now = now.advancedTo(latest, receivedAt);
            next = new EventClock.Interval(next.until(), latest.plus(horizon));
        }
    }

    /** Releases those of an interval; the latest event time among them. */
    private Optional<Instant> released(EventClock.Interval interval) {
        JournalStore.Released journalled = journal.release(project, name, interval.from(), interval.until());
        change -= journalled.rows();
        Optional<Instant> latest = journalled.latest();
        for (Prediction prediction : before) {
            Quarantine cause = quarantined.get(prediction);
            Instant time = prediction.eventTime();
            if (cause != null && cause.isFar() && interval.holds(time)) {
                quarantined.remove(prediction);
                change--;
                latest = latest.filter(time::isBefore).or(() -> Optional.of(time));
            }
        }
        return latest;
    }

    /** Holds those that are far from a clock that has started again. */
    private void hold(EventClock clock) {
        var believed = new EventClock.Interval(clock.origin(), clock.watermark().plus(horizon));
        change += journal.hold(project, name, believed.from(), believed.until());
        for (Prediction prediction : before) {
            if (!quarantined.containsKey(prediction) && !believed.holds(prediction.eventTime())) {
                quarantined.put(
                        prediction,
                        prediction.eventTime().isBefore(believed.from())
                                ? Quarantine.FAR_BEHIND
                                : Quarantine.FAR_AHEAD);
                change++;
            }
        }
    }
}
