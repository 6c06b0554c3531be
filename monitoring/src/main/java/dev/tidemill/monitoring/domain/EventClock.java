package dev.tidemill.monitoring.domain;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What the event times of a deployment's predictions tell of how far its data has come. One wrong clock must not carry it
 * away: what is later than the wall clock is never believed, and what is far ahead of the rest only where calls come live,
 * or where so many in a row are that the data itself has moved on. Neither does one wrong clock tell where the data begins:
 * what is far behind the rest is not believed, and where only few came before a row of others that are far from them, the
 * few were the odd ones. Where the sender of the data declares the watermark, what is past counts once the watermark has come to it,
 * however far ahead it is; live calls are held to the same as without, and carry event time on themselves once nothing has been declared
 * for {@link #SILENCE}. Immutable.
 *
 * @param origin event time from which ticks and windows are counted: midnight before the first prediction that is believed
 * @param watermark event time before which all data has arrived
 * @param declared whether the sender of the data tells the watermark itself, so that predictions do not move it
 * @param reachedAt wall time at which the watermark's prediction was received, or the watermark was declared
 * @param believed number of predictions whose event time was believed
 * @param apart those far from the rest since the last one that was believed
 * @param quarantined number of predictions whose event time is not believed
 * @param cause why the last of them was not
 */
public record EventClock(
        Instant origin,
        Instant watermark,
        boolean declared,
        Instant reachedAt,
        long believed,
        Apart apart,
        long quarantined,
        Optional<Quarantine> cause) {
    /** How far two clocks may differ. */
    public static final Duration SKEW = Duration.ofMinutes(5);

    /**
     * Who has declared no watermark for so long, in wall time, does not any more: live calls move event time on. It is longer than the
     * pauses of who declares each week, whose next batch would else move it itself.
     */
    public static final Duration SILENCE = Duration.ofDays(14);

    private static final Duration LIVE = Duration.ofDays(1);
    /** So many in a row are no accident; so few before are no history. */
    private static final int MANY = 20;

    /**
     * Predictions in a row that are far from the rest, all of them on one side.
     *
     * @param from the earliest event time among them; empty where there are none
     */
    public record Apart(long ahead, long behind, Optional<Instant> from) {
        public static final Apart NONE = new Apart(0, 0, Optional.empty());

        private Apart oneAhead(Instant time) {
            return new Apart(ahead + 1, 0, Optional.of(ahead > 0 ? earliest(time) : time));
        }

        private Apart oneBehind(Instant time) {
            return new Apart(0, behind + 1, Optional.of(behind > 0 ? earliest(time) : time));
        }

        private Instant earliest(Instant time) {
            return from.filter(time::isAfter).orElse(time);
        }
    }

    static EventClock first(Instant eventTime, Instant receivedAt) {
        Instant origin = eventTime.truncatedTo(ChronoUnit.DAYS);
        return new EventClock(origin, origin, false, receivedAt, 0, Apart.NONE, 0, Optional.empty());
    }

    /**
     * Where data begins, by the event times that have come first: at the earliest of them, but for a few that are far behind
     * more others.
     *
     * @param eventTimes at least one, in any order
     * @param horizon how far apart neighbours may be
     */
    static Instant start(Collection<Instant> eventTimes, Duration horizon) {
        List<Instant> sorted = eventTimes.stream().sorted().toList();
        int start = 0;
        for (int before = 1; before <= MANY && 2 * before < sorted.size(); before++) {
            if (sorted.get(before).isAfter(sorted.get(before - 1).plus(horizon))) {
                start = before;
            }
        }
        return sorted.get(start);
    }

    /** Event times from one to another, both included. */
    record Interval(Instant from, Instant until) {
        /** This one and another that begins in it. */
        Interval with(Interval next) {
            return new Interval(from, next.until.isAfter(until) ? next.until : until);
        }

        boolean holds(Instant time) {
            return !time.isBefore(from) && !time.isAfter(until);
        }
    }

    /**
     * What became of one event time.
     *
     * @param quarantine of the prediction itself; empty where it is believed
     * @param restarted whether the origin has moved, so that everything starts again from there
     * @param released event times of which those that were held as far from the rest are believed now
     */
    record Taken(EventClock clock, Optional<Quarantine> quarantine, boolean restarted, Optional<Interval> released) {}

    /**
     * Takes a prediction into account.
     *
     * @param horizon how far from the rest an event time may be at once
     * @param undecided whether no window has been closed, so that the origin may still move
     */
    Taken take(Instant eventTime, Instant receivedAt, Duration horizon, boolean undecided) {
        if (eventTime.isAfter(receivedAt.plus(SKEW))) {
            return held(Quarantine.AHEAD_OF_CLOCK, apart);
        }
        boolean early = undecided && believed <= MANY;
        if (eventTime.isBefore(origin.minus(horizon))) {
            return farBehind(eventTime, receivedAt, horizon, early);
        }
        if (early && eventTime.isBefore(origin)) {
            Instant day = eventTime.truncatedTo(ChronoUnit.DAYS);
            return new Taken(moved(day, eventTime, receivedAt), Optional.empty(), true, Optional.empty());
        }
        boolean near = !eventTime.isAfter(watermark.plus(horizon));
        if (declared) {
            return underDeclared(eventTime, receivedAt, horizon, near);
        }
        if (near || isLive(eventTime, receivedAt)) {
            EventClock now = moved(origin, eventTime, receivedAt);
            return new Taken(now, Optional.empty(), false, reachedBy(now));
        }
        return farAhead(eventTime, receivedAt, horizon, early);
    }

    /**
     * What is past waits for the watermark that its sender declares. A live call is not part of that: far ahead it is held, until so
     * many in a row are, and near or far it moves event time on only once the sender has fallen silent.
     */
    private Taken underDeclared(Instant eventTime, Instant receivedAt, Duration horizon, boolean near) {
        boolean live = Duration.between(eventTime, receivedAt).compareTo(LIVE) <= 0;
        boolean silent = Duration.between(reachedAt, receivedAt).compareTo(SILENCE) > 0;
        if (!live || near) {
            EventClock clock = live && silent && eventTime.isAfter(watermark) ? undeclared() : this;
            EventClock now = clock.moved(origin, eventTime, receivedAt);
            return new Taken(now, Optional.empty(), false, reachedBy(now));
        }
        Apart now = apart.oneAhead(eventTime);
        return silent && now.ahead() >= MANY
                ? undeclared().farAhead(eventTime, receivedAt, horizon, false)
                : held(Quarantine.FAR_AHEAD, now);
    }

    /** The same, moved by predictions from here on. */
    private EventClock undeclared() {
        return new EventClock(origin, watermark, false, reachedAt, believed, apart, quarantined, cause);
    }

    /** What moves event time on now, for people. */
    String moves() {
        return declared
                ? "Event time moves with the next watermark that is declared, as this one was at " + reachedAt
                        + " ('tidemill replay' does, and POST .../watermark), or with live calls once none has been declared for "
                        + SILENCE.toDays() + " days"
                : "Event time moves with predictions, or with a watermark that is declared";
    }

    /** What to do about the predictions that are held, for people; empty where none is. */
    public Optional<String> remedy() {
        return declared && cause.filter(Quarantine.FAR_AHEAD::equals).isPresent()
                ? Optional.of(
                        "Send event_time with every call of a replay. If the calls are live now, nothing is wrong: event time goes on"
                                + " with them, and they count, once " + MANY
                                + " in a row have come and no watermark has been declared for "
                                + SILENCE.toDays() + " days; to go on at once, declare one (POST .../watermark)")
                : cause.map(Quarantine::remedy);
    }

    /** Those that were held as far ahead are among the rest once the watermark has come to them. */
    private Optional<Interval> reachedBy(EventClock now) {
        return quarantined > 0 && now.watermark.isAfter(watermark)
                ? Optional.of(new Interval(watermark, now.watermark))
                : Optional.empty();
    }

    private boolean isLive(Instant eventTime, Instant receivedAt) {
        return Duration.between(eventTime, receivedAt).compareTo(LIVE) <= 0
                && Duration.between(watermark, reachedAt).compareTo(LIVE) <= 0;
    }

    /** More in a row than were believed before tell where the data begins. */
    private Taken farBehind(Instant eventTime, Instant receivedAt, Duration horizon, boolean early) {
        Apart now = apart.oneBehind(eventTime);
        if (!early || now.behind() <= believed) {
            return held(Quarantine.FAR_BEHIND, now);
        }
        var released = new Interval(now.from().orElse(eventTime), declared ? origin : eventTime.plus(horizon));
        EventClock clock = declared
                ? restarted(released.from(), watermark, reachedAt, believed + now.behind(), cause)
                : restarted(released.from(), eventTime, receivedAt, now.behind(), Optional.of(Quarantine.FAR_AHEAD));
        return new Taken(clock, Optional.empty(), true, Optional.of(released));
    }

    /**
     * So many in a row that the data has moved on; or that it begins with them, where only few came before. Those of them that
     * are later than the last one are released as well, as far as they would be believed if they came now.
     */
    private Taken farAhead(Instant eventTime, Instant receivedAt, Duration horizon, boolean early) {
        Apart now = apart.oneAhead(eventTime);
        if (now.ahead() < MANY) {
            return held(Quarantine.FAR_AHEAD, now);
        }
        Instant until = eventTime.plus(horizon);
        if (early && now.ahead() > believed) {
            Instant from = now.from().orElse(eventTime);
            return new Taken(
                    restarted(from, eventTime, receivedAt, now.ahead(), Optional.of(Quarantine.FAR_BEHIND)),
                    Optional.empty(),
                    true,
                    Optional.of(new Interval(from, until)));
        }
        return new Taken(
                moved(origin, eventTime, receivedAt),
                Optional.empty(),
                false,
                Optional.of(new Interval(watermark, until)));
    }

    private EventClock restarted(
            Instant from, Instant nowWatermark, Instant nowReachedAt, long nowBelieved, Optional<Quarantine> nowCause) {
        return new EventClock(
                from.truncatedTo(ChronoUnit.DAYS),
                nowWatermark,
                declared,
                nowReachedAt,
                nowBelieved,
                Apart.NONE,
                quarantined,
                nowCause);
    }

    private EventClock moved(Instant nowOrigin, Instant eventTime, Instant receivedAt) {
        boolean moves = !declared && eventTime.isAfter(watermark);
        return new EventClock(
                nowOrigin,
                moves ? eventTime : watermark,
                declared,
                moves ? receivedAt : reachedAt,
                believed + 1,
                Apart.NONE,
                quarantined,
                cause);
    }

    private Taken held(Quarantine why, Apart now) {
        return new Taken(
                new EventClock(
                        origin, watermark, declared, reachedAt, believed, now, quarantined + 1, Optional.of(why)),
                Optional.of(why),
                false,
                Optional.empty());
    }

    /** The same, once one that is believed again is the latest of all; a declared watermark stays. */
    EventClock advancedTo(Instant eventTime, Instant receivedAt) {
        boolean moves = !declared && eventTime.isAfter(watermark);
        return moves ? new EventClock(origin, eventTime, false, receivedAt, believed, apart, quarantined, cause) : this;
    }

    /** The same, once it is known how many more were held, or released where the number is negative. */
    EventClock counted(long change) {
        long now = Math.max(0, quarantined + change);
        return new EventClock(
                origin, watermark, declared, reachedAt, believed, apart, now, now == 0 ? Optional.empty() : cause);
    }
}
