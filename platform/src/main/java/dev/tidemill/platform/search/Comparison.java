package dev.tidemill.platform.search;

import java.util.List;

/**
 * One clause of a filter; the clauses of a filter all have to hold.
 *
 * @param entity what kind of thing the key belongs to, by its canonical name
 * @param key canonical name of the attribute, or the name of the metric, param or tag
 */
public record Comparison(String entity, String key, Operator operator, Operand operand) {
    /** How the two sides are compared; {@code ILIKE} ignores case. */
    public enum Operator {
        EQUAL("="),
        NOT_EQUAL("!="),
        LESS("<"),
        LESS_OR_EQUAL("<="),
        GREATER(">"),
        GREATER_OR_EQUAL(">="),
        LIKE("LIKE"),
        ILIKE("ILIKE"),
        RLIKE("RLIKE"),
        IN("IN"),
        NOT_IN("NOT IN"),
        IS_NULL("IS NULL"),
        IS_NOT_NULL("IS NOT NULL");

        private final String symbol;

        Operator(String symbol) {
            this.symbol = symbol;
        }

        /** As it is written. */
        public String symbol() {
            return symbol;
        }
    }

    /** The right side. */
    public sealed interface Operand {}

    /** Nothing: the operator says it all. */
    public record Nothing() implements Operand {}

    /** A quoted text. */
    public record Text(String value) implements Operand {}

    /** A number literal. */
    public record Number(double value) implements Operand {}

    /** A list of quoted texts. */
    public record Texts(List<String> values) implements Operand {}
}
