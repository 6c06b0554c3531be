package dev.tidemill.trees;

/** How the sums of trees become predictions. Thread-safe. */
public interface Link {
    /** Turns the margins of one row into predictions. */
    double[] predictions(double[] margins);

    /** What a classifier chooses by: a probability for each class where there are any, else the predictions. */
    default double[] scores(double[] margins) {
        return predictions(margins);
    }

    /** What the scores are. */
    Answer answer();

    /** Kinds of scores. */
    enum Answer {
        /** A number for each output, which is no probability. */
        VALUE,
        /** For each output the probability of the second of two classes. */
        BINARY,
        /** A probability for each class. */
        CLASSES
    }
}
