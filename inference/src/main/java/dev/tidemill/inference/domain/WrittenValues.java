package dev.tidemill.inference.domain;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What texts say that stand for values, as pandas reads them. */
final class WrittenValues {
    private static final Pattern WHOLE = Pattern.compile("[+-]?\\d{1,30}");
    private static final Pattern NUMBER = Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d{1,5})?");
    private static final Set<String> MISSING = Set.of("", "nan", "na", "n/a", "null", "none", "<na>", "#n/a");
    /** With a sign or digits of its own, as C writes it and an import reads it. */
    private static final Pattern NAN = Pattern.compile("[+-]?nan(\\([a-z0-9_]*\\))?");

    private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger MOST = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);

    private WrittenValues() {}

    /** Whether a text says that there is no number. */
    static boolean isMissing(@Nullable String text) {
        if (text == null) {
            return true;
        }
        String word = text.strip().toLowerCase(Locale.ROOT);
        return MISSING.contains(word) || NAN.matcher(word).matches();
    }

    /** The number that a text is; empty for what is none, and for one that no double is near. */
    static Optional<Double> number(String text) {
        String stripped = text.strip();
        if (NUMBER.matcher(stripped).matches()) {
            double value = Double.parseDouble(stripped);
            return Double.isInfinite(value) ? Optional.empty() : Optional.of(value);
        }
        return switch (stripped.toLowerCase(Locale.ROOT)) {
            case "inf", "+inf", "infinity", "+infinity" -> Optional.of(Double.POSITIVE_INFINITY);
            case "-inf", "-infinity" -> Optional.of(Double.NEGATIVE_INFINITY);
            default -> Optional.empty();
        };
    }

    /** The whole number that a text is, without any loss: {@code 3} and {@code 3.0}; empty for what is none. */
    static Optional<BigInteger> whole(String text) {
        String stripped = text.strip();
        if (WHOLE.matcher(stripped).matches()) {
            return Optional.of(new BigInteger(stripped));
        }
        if (!NUMBER.matcher(stripped).matches() || number(stripped).isEmpty()) {
            return Optional.empty();
        }
        var decimal = new BigDecimal(stripped);
        boolean whole = decimal.signum() == 0 || decimal.stripTrailingZeros().scale() <= 0;
        return whole ? Optional.of(decimal.toBigInteger()) : Optional.empty();
    }

    /** The truth that a text is. */
    static Optional<Boolean> truth(String text) {
        return switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "true", "1", "1.0" -> Optional.of(true);
            case "false", "0", "0.0" -> Optional.of(false);
            default -> Optional.empty();
        };
    }

    /** The values of a column of texts: all numbers, all truths, or all texts. */
    static List<@Nullable Object> read(List<@Nullable String> texts) {
        List<@Nullable Object> numbers = new ArrayList<>();
        boolean truths = !texts.isEmpty();
        for (String text : texts) {
            truths &= text != null && (text.equalsIgnoreCase("true") || text.equalsIgnoreCase("false"));
        }
        for (String text : texts) {
            if (truths && text != null) {
                numbers.add(text.equalsIgnoreCase("true"));
            } else if (text == null || isMissing(text)) {
                numbers.add(null);
            } else {
                Optional<BigInteger> whole = WHOLE.matcher(text.strip()).matches() ? whole(text) : Optional.empty();
                boolean fits = whole.isPresent()
                        && whole.get().compareTo(LEAST) >= 0
                        && whole.get().compareTo(MOST) <= 0;
                Optional<Double> number = number(text);
                if (fits) {
                    numbers.add(
                            whole.get().bitLength() < Long.SIZE
                                    ? (Object) whole.get().longValue()
                                    : whole.get());
                } else if (number.isPresent()) {
                    numbers.add(number.get());
                } else {
                    return new ArrayList<>(texts);
                }
            }
        }
        return numbers;
    }
}
