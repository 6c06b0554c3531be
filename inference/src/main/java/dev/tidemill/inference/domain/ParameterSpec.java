package dev.tidemill.inference.domain;

/**
 * A parameter that a model declares.
 *
 * @param list whether its value is a list of such values
 */
public record ParameterSpec(String name, Type type, boolean list) {
    /** What a value is. */
    public enum Type {
        BOOLEAN,
        /** A whole number of 32 bits. */
        INTEGER,
        /** A whole number of 64 bits. */
        LONG,
        FLOAT,
        DOUBLE,
        STRING,
        /** A time in ISO 8601. */
        DATETIME,
        /** Anything that JSON can say. */
        ANY
    }
}
