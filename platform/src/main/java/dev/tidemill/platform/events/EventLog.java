package dev.tidemill.platform.events;

import dev.tidemill.platform.search.Portion;
import java.util.List;

/**
 * The append-only log of what happened, in which every change of state leaves one entry within its own transaction.
 * Thread-safe.
 */
public interface EventLog {
    /** Appends within the caller's transaction: the event is there if and only if the change is. */
    void append(Event event);

    /** Settled events after the position, oldest first. */
    List<StoredEvent> after(long position, int limit);

    /** The wanted events, newest first: at most so many, fewer where they hold much. */
    Portion<StoredEvent> newest(EventQuery query);

    /** The highest settled position; zero for an empty log. */
    long latestPosition();

    /** Waits until something may have been appended or the time is over. Never misses an append by more than that time. */
    void awaitAppend(java.time.Duration atMost) throws InterruptedException;

    /** Remembers an event from outside; false if the same source has sent this id before. */
    boolean rememberInbound(String project, String source, String id);
}
