package dev.tidemill.platform.http;

/** Requests of one lane never wait for those of another: each has places of its own among the threads. */
public enum Lane {
    /** Whether the process lives; touches nothing that can be slow. */
    HEALTH(4),
    /** What an operator looks at, which may wait for a database. */
    OPERATIONS(8),
    /** Files that come and go at their client's speed. */
    TRANSFERS(300),
    /** Everything else, streams of events among them. */
    REQUESTS(1_000);

    private final int places;

    Lane(int places) {
        this.places = places;
    }

    /** Requests under way at a time. */
    public int places() {
        return places;
    }
}
