package dev.tidemill.monitoring.domain;

import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Pattern;

/** The numbers that texts are: those of JSON, and nothing else that some language would read as one. */
final class WrittenNumber {
    private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9][0-9]*+)(?:\\.[0-9]++)?(?:[eE][+-]?[0-9]++)?");
    private static final Pattern DIGITS = Pattern.compile("-?[0-9]++");
    /** A longer one is kept as the double that is near: its exact arithmetic would cost more than it tells. */
    private static final int LONGEST = 1_000;

    private static final int MOST_DECIMALS = 400;

    private WrittenNumber() {}

    /** The number that a text is, exactly; empty for what is none, and for one that no double is near. */
    static Optional<BigDecimal> of(String text) {
        if (!NUMBER.matcher(text).matches()) {
            return Optional.empty();
        }
        double near = Double.parseDouble(text);
        if (!Double.isFinite(near)) {
            return Optional.empty();
        }
        try {
            var exact = new BigDecimal(text.length() <= LONGEST ? text : Double.toString(near));
            return Optional.of(Math.abs(exact.scale()) <= MOST_DECIMALS ? exact : new BigDecimal(near));
        } catch (NumberFormatException e) {
            // Its exponent is none of an int.
            return Optional.of(new BigDecimal(near));
        }
    }

    /** Whether it is written as a whole number, without a fraction or an exponent. */
    static boolean isDigits(String text) {
        return DIGITS.matcher(text).matches();
    }
}
