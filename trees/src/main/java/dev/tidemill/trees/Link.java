package dev.tidemill.trees;

/** How the sums of trees become predictions. Thread-safe. */
public interface Link {
    /** Turns the margins of one row into predictions. */
    double[] predictions(double[] margins);

    /** What a client gets who asks for one answer: the class of a classifier, else the prediction itself. */
    Answer answer();

    /** Kinds of answers. */
    enum Answer {
        /** A number for each output. */
        VALUE,
        /** The probability of the second of two classes. */
        BINARY,
        /** A probability for each class. */
        CLASSES
    }
}
