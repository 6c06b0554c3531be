package dev.tidemill.datasets.domain;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A column and the rules that its values obey.
 *
 * @param required whether a value must be there
 * @param least smallest value allowed of a number, as exact as it is written; nearer to 0 than the largest double
 * @param most largest value allowed of a number, likewise
 * @param values allowed values, of any type but timestamp; empty allows all
 */
public record Column(
        String name,
        ColumnType type,
        boolean required,
        Optional<BigDecimal> least,
        Optional<BigDecimal> most,
        List<String> values) {
    /** What is longer is shown with an exponent. */
    private static final int PLAIN_DIGITS = 25;

    public Column {
        values = List.copyOf(values);
        least = least.map(BigDecimal::stripTrailingZeros);
        most = most.map(BigDecimal::stripTrailingZeros);
    }

    /** A rule that cannot be held to, and why. */
    public record Obstacle(String rule, String why) {}

    /** What the column's rules say that its type has nothing of, or that no value can obey; empty if they can be held to. */
    public Optional<Obstacle> obstacle() {
        String ofType = "a column of type " + type.name().toLowerCase(Locale.ROOT);
        for (var bound : List.of(Map.entry("min", least), Map.entry("max", most))) {
            Optional<BigDecimal> limit = bound.getValue();
            if (limit.isPresent() && !type.isNumeric()) {
                return Optional.of(new Obstacle(
                        bound.getKey(),
                        ofType + " has no '" + bound.getKey() + "': it is a limit of numbers (long, double)"));
            }
        }
        if (least.isPresent() && most.isPresent() && least.get().compareTo(most.get()) > 0) {
            return Optional.of(new Obstacle(
                    "min",
                    "no number is at least " + shown(least.get()) + " ('min') and at most " + shown(most.get())
                            + " ('max')"));
        }
        return values.stream()
                .filter(value -> !type.hasValue(value))
                .findFirst()
                .map(value ->
                        new Obstacle("values", "'" + value + "' is no value that " + ofType + " can be limited to"));
    }

    /** A limit as people write it. */
    public static String shown(BigDecimal limit) {
        return Math.abs((long) limit.precision() - limit.scale()) <= PLAIN_DIGITS && limit.scale() <= PLAIN_DIGITS
                ? limit.toPlainString()
                : limit.toString();
    }

    public static Column of(String name, ColumnType type) {
        return new Column(name, type, false, Optional.empty(), Optional.empty(), List.of());
    }
}
