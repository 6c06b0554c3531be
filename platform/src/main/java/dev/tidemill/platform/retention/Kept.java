package dev.tidemill.platform.retention;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Something that grows while the server works, is kept for a while and then deleted. Thread-safe. */
public interface Kept {
    /** A plural noun, as in {@code predictions}. */
    String name();

    /** For how long; empty for ever. */
    Optional<Duration> keep();

    /** About how many there are; cheap, whatever their number. */
    long entries();

    /** Deletes what is older than it is kept, the oldest first and in short units of work; how many went. */
    long collect(Instant now);
}
