package dev.tidemill.inference.domain;

/**
 * A model that may be called.
 *
 * @param name as clients within its project call it
 * @param ready whether it is in memory; one that is not is loaded at the first call, unless the reason says otherwise
 * @param reason why it is not ready; empty if it is
 */
public record IndexEntry(String project, String name, int version, boolean ready, String reason) {
    /** Its state in the protocol's words. */
    public String state() {
        return ready ? "READY" : "UNAVAILABLE";
    }
}
