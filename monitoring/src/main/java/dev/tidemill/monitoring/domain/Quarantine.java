package dev.tidemill.monitoring.domain;

/** Why the event time of a prediction is not believed. Such a prediction is kept, but counts in nothing. */
public enum Quarantine {
    /** Later than the server's own clock: the caller's clock is fast. */
    AHEAD_OF_CLOCK(
            "its event time was later than the server's clock: the caller's clock is fast, or its zone wrong",
            "Mend the clock or the zone of who sends them"),
    /** Far ahead of the data that arrives with it: a live call into a replay, for example. */
    FAR_AHEAD(
            "its event time was far ahead of the data that arrived with it, as of a call without event_time during a replay,"
                    + " which counts at the moment of the call",
            "Send event_time with every call of a replay; what is held counts once the data has come to it"),
    /** Far behind where the data begins. */
    FAR_BEHIND(
            "its event time was far behind where the data begins, as of a replay after calls without event_time, which count at the"
                    + " moment of the call, of a clock that is not set, or of seconds sent as milliseconds",
            "Send event_time with every call, and play what is past before anything live; a deployment that is deleted and applied"
                    + " again begins anew. Where the clock is wrong, mend it");

    private final String cause;
    private final String remedy;

    Quarantine(String cause, String remedy) {
        this.cause = cause;
        this.remedy = remedy;
    }

    /** Whether it was only far from the rest, so that it is believed once the rest has come there. */
    boolean isFar() {
        return this != AHEAD_OF_CLOCK;
    }

    /** What was wrong, for people. */
    public String cause() {
        return cause;
    }

    /** What they can do about it. */
    public String remedy() {
        return remedy;
    }
}
