package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A page of a metric's history; its token names the last point of the page before. The order is settled with the first page, so
 * that no point is given twice or left out, whatever is logged meanwhile.
 *
 * @param byStep whether points come in the order of steps, which is that of times as well, and needs no sorting
 * @param after the point behind which the page begins; its name is empty
 */
record PointPage(boolean byStep, Optional<MetricPoint> after) {
    private static final Pattern FORM = Pattern.compile(
            "\\{\"at\": (-?\\d{1,18}), \"step\": (-?\\d{1,19}), \"bits\": (-?\\d{1,19}), \"by_step\": (true|false)}");

    static PointPage first(boolean timesFall) {
        return new PointPage(!timesFall, Optional.empty());
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} for a token that is none of ours */
    static PointPage parse(String token) {
        try {
            Matcher matcher = FORM.matcher(new String(Base64.getDecoder().decode(token), StandardCharsets.UTF_8));
            if (matcher.matches()) {
                return new PointPage(
                        matcher.group(4).equals("true"),
                        Optional.of(new MetricPoint(
                                "",
                                Long.parseLong(matcher.group(2)),
                                Instant.ofEpochMilli(Long.parseLong(matcher.group(1))),
                                Double.longBitsToDouble(Long.parseLong(matcher.group(3))))));
            }
        } catch (IllegalArgumentException e) {
            // refused below
        }
        throw TidemillException.invalid("page_token", "Invalid page token, it is none of a metric's history");
    }

    /** Asks for the page behind this one, whose last point is given. */
    String token(MetricPoint last) {
        String text = "{\"at\": " + last.recordedAt().toEpochMilli() + ", \"step\": " + last.step() + ", \"bits\": "
                + Double.doubleToRawLongBits(last.value()) + ", \"by_step\": " + byStep + "}";
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
