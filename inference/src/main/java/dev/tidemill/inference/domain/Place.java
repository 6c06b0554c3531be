package dev.tidemill.inference.domain;

/**
 * What an output was part of in the model's own library, where that decides how MLflow's scoring protocol tells it.
 *
 * @param label of the output there: a column's, or a key
 * @param lone whether it was a single value rather than a list or an array
 */
public record Place(Container container, String label, boolean lone) {
    /** What held the output. */
    public enum Container {
        /** A data frame, which is told row by row, however many columns it has; also a series, a frame of one. */
        FRAME,
        /** A mapping by name, which is told as an object. */
        MAPPING,
        /** Nothing: it was the answer itself. */
        NONE
    }
}
