package dev.tidemill.platform.time;

import dev.tidemill.platform.errors.TidemillException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.Period;
import java.time.format.DateTimeParseException;

/**
 * Rules for the clock that data runs on. It is carried by requests and labels, and has nothing to do with when they
 * arrive: a year that is replayed in a minute still has 52 weeks in it.
 */
public final class EventTime {
    /** No event is earlier. */
    public static final Instant EARLIEST = Instant.parse("1000-01-01T00:00:00Z");

    private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59.999999999Z");

    private EventTime() {}

    /**
     * Parses when something happened, such as {@code 2011-04-01T08:00:00Z}. Years of four digits alone: beyond them durations
     * overflow.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the field and the value
     */
    public static Instant instant(String field, String text) {
        try {
            Instant time = Instant.parse(text);
            if (time.isBefore(EARLIEST) || time.isAfter(LATEST)) {
                throw TidemillException.invalid(field, "'" + text + "' is not within the years 1000 to 9999");
            }
            return time;
        } catch (DateTimeException e) {
            throw TidemillException.invalid(field, "'" + text + "' is not a time such as 2011-04-01T08:00:00Z");
        }
    }

    /**
     * Parses an ISO 8601 duration such as {@code P90D}, {@code PT6H} or {@code P2W}.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the field and the value
     */
    public static Duration duration(String field, String text) {
        try {
            boolean dateBased = text.startsWith("P") && !text.contains("T");
            Duration duration = dateBased ? Duration.ofDays(days(text)) : Duration.parse(text);
            if (duration.isNegative()) {
                throw TidemillException.invalid(field, "'" + text + "' is negative");
            }
            return duration;
        } catch (DateTimeParseException | ArithmeticException e) {
            throw TidemillException.invalid(field, "'" + text + "' is not a duration")
                    .remedy("Write ISO 8601, such as P90D for 90 days, P2W for two weeks or PT6H for six hours");
        }
    }

    private static long days(String text) {
        Period period = Period.parse(text);
        if (period.toTotalMonths() != 0) {
            throw new DateTimeParseException("months and years differ in length", text, 0);
        }
        return period.getDays();
    }
}
