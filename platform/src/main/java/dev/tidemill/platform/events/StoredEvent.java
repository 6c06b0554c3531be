package dev.tidemill.platform.events;

import java.time.Instant;

/**
 * An event in the log.
 *
 * @param position its place; later events have higher positions
 * @param id unique for ever, stable across replays of the log
 * @param recordTime wall time at which it was written
 */
public record StoredEvent(long position, String id, Instant recordTime, Event event) {}
