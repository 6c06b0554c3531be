package dev.tidemill.inference.domain;

/** What the classes of a classifier are, beside their names. */
public enum ClassType {
    /** The two booleans, named {@code false} and {@code true}. */
    BOOLEAN,
    /** Strings, so that what is written otherwise is another class, though it may read as the same boolean or number. */
    STRING,
    /** Not known: whatever their names read as. */
    UNKNOWN
}
