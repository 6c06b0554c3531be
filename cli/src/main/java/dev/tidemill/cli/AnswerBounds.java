package dev.tidemill.cli;

import java.time.Duration;

/**
 * How much of an answer is waited for and kept. A server, or who stands between, may send without end, or a byte now and then.
 *
 * @param mostBytes of an answer that is kept in memory
 * @param deadline for the whole of such an answer, from its head to its last byte
 * @param leastBytes of a file that must come within {@code silence}, unless it ends
 * @param silence how long is waited for those; a file as a whole may take any time
 * @param mostOfFile bytes of a file of which nobody has said how long it is
 */
record AnswerBounds(long mostBytes, Duration deadline, long leastBytes, Duration silence, long mostOfFile) {
    /** A tree of JSON takes several times its text, and the launcher gives a command 512 MB. */
    static final AnswerBounds USUAL =
            new AnswerBounds(32L << 20, Duration.ofMinutes(5), 64L << 10, Duration.ofMinutes(2), 1L << 40);
}
