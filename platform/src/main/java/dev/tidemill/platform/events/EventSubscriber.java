package dev.tidemill.platform.events;

/**
 * Follows the log from where it left off, across restarts. {@link #on} runs in the transaction that also moves the
 * cursor, so what it writes to the database happens exactly once for each event.
 */
public interface EventSubscriber {
    /** Names the cursor; changing it starts from the beginning of the log. */
    String name();

    void on(StoredEvent event);
}
