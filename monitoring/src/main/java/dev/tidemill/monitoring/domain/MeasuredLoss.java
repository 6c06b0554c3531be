package dev.tidemill.monitoring.domain;

/** How wrong an answer was, and what that number is. Only losses of one kind can be compared or added up. */
public record MeasuredLoss(double value, Kind kind) {
    /** What a loss is. */
    public enum Kind {
        /** 0 where the class was right, else 1. */
        CLASS,
        /** The distance of the number from the label. */
        DISTANCE
    }
}
