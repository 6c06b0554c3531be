package dev.tidemill.inference.domain;

/** What becomes of a request that brings an input which the model does not know, or leaves one out which it must have. */
public enum InputPolicy {
    /** It is refused, and told which input. */
    REFUSE,
    /**
     * It is answered with a warning: what is unknown is left out, and what is left out is a missing value, where the model knows
     * missing values; else it is refused all the same.
     */
    WARN
}
