package dev.tidemill.monitoring.domain;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * What the event times of a deployment's predictions tell of how far its data has come. One wrong clock must not carry it
 * away: what is later than the wall clock is never believed, and what is far ahead of the rest only where calls come live,
 * or where so many in a row are that the data itself has moved on. Immutable.
 *
 * @param origin event time from which ticks and windows are counted: midnight before the first prediction
 * @param watermark event time before which all data has arrived
 * @param declared whether the sender of the data tells the watermark itself
 * @param reachedAt wall time at which the watermark's prediction was received
 * @param believed number of predictions whose event time was believed
 * @param ahead number of predictions far ahead since the last one that was believed
 * @param quarantined number of predictions whose event time was not believed
 * @param cause why the last of them was not
 */
public record EventClock(
        Instant origin,
        Instant watermark,
        boolean declared,
        Instant reachedAt,
        long believed,
        long ahead,
        long quarantined,
        Optional<Quarantine> cause) {
    /** How far two clocks may differ. */
    public static final Duration SKEW = Duration.ofMinutes(5);

    private static final Duration LIVE = Duration.ofDays(1);
    /** So many in a row are no accident; so few before are no history. */
    private static final int MANY = 20;

    static EventClock first(Instant eventTime, Instant receivedAt) {
        Instant origin = eventTime.truncatedTo(ChronoUnit.DAYS);
        return new EventClock(origin, origin, false, receivedAt, 0, 0, 0, Optional.empty());
    }

    /**
     * What became of one event time.
     *
     * @param quarantine of the prediction itself; empty where it is believed
     * @param rewound whether the origin moved back, so that everything starts again from there
     * @param released whether the ones that were held as far ahead are believed now
     */
    record Taken(EventClock clock, Optional<Quarantine> quarantine, boolean rewound, boolean released) {}

    /**
     * Takes a prediction into account.
     *
     * @param horizon how far ahead of the watermark an event time may be at once
     * @param undecided whether no window has been closed, so that the origin may still move
     */
    Taken take(Instant eventTime, Instant receivedAt, Duration horizon, boolean undecided) {
        if (eventTime.isAfter(receivedAt.plus(SKEW))) {
            return held(Quarantine.AHEAD_OF_CLOCK, ahead);
        }
        boolean early = undecided && believed <= MANY;
        if (early && eventTime.isBefore(origin)) {
            return rewound(eventTime, receivedAt, horizon);
        }
        if (believed == 0 || declared || !eventTime.isAfter(watermark.plus(horizon)) || isLive(eventTime, receivedAt)) {
            return new Taken(moved(eventTime, receivedAt), Optional.empty(), false, false);
        }
        return ahead + 1 < MANY
                ? held(Quarantine.FAR_AHEAD, ahead + 1)
                : new Taken(moved(eventTime, receivedAt), Optional.empty(), false, true);
    }

    private boolean isLive(Instant eventTime, Instant receivedAt) {
        return Duration.between(eventTime, receivedAt).compareTo(LIVE) <= 0
                && Duration.between(watermark, reachedAt).compareTo(LIVE) <= 0;
    }

    private EventClock moved(Instant eventTime, Instant receivedAt) {
        boolean moves = !declared && eventTime.isAfter(watermark);
        return new EventClock(
                origin,
                moves ? eventTime : watermark,
                declared,
                moves ? receivedAt : reachedAt,
                believed + 1,
                0,
                quarantined,
                cause);
    }

    private Taken held(Quarantine why, long nowAhead) {
        return new Taken(
                new EventClock(
                        origin, watermark, declared, reachedAt, believed, nowAhead, quarantined + 1, Optional.of(why)),
                Optional.of(why),
                false,
                false);
    }

    /** The few that came before were the odd ones, if they are far ahead of this. */
    private Taken rewound(Instant eventTime, Instant receivedAt, Duration horizon) {
        boolean odd = !declared && watermark.isAfter(eventTime.plus(horizon));
        return new Taken(
                new EventClock(
                        eventTime.truncatedTo(ChronoUnit.DAYS),
                        odd ? eventTime : watermark,
                        declared,
                        odd ? receivedAt : reachedAt,
                        odd ? 1 : believed + 1,
                        0,
                        odd ? quarantined + believed : quarantined,
                        odd ? Optional.of(Quarantine.FAR_AHEAD) : cause),
                Optional.empty(),
                true,
                false);
    }
}
