package dev.tidemill.inference.domain;

/**
 * Whether requests that wait for a model may be joined to one call. They may only where it is known, before any request, that the
 * model answers each row by itself: its answer to a request then does not depend on whose rows are beside.
 *
 * @param joins whether they may
 * @param lanes calls of the model at a time, where they may
 * @param rows most rows of a joined call
 * @param reason how it is known that they may, or why they may not, for people
 */
public record Batching(boolean joins, int lanes, int rows, String reason) {
    private static final int MOST_ROWS = 1_024;

    /** Requests that stay apart. */
    public static Batching apart(String reason) {
        return new Batching(false, 0, 0, reason);
    }

    /**
     * Requests that may be joined.
     *
     * @param rows most rows of a joined call; none are ever more than 1024
     */
    public static Batching joined(int lanes, int rows, String reason) {
        return new Batching(true, lanes, Math.min(MOST_ROWS, rows), reason);
    }
}
