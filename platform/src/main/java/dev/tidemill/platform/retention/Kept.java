package dev.tidemill.platform.retention;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/** Something that grows while the server works, is kept for a while and then deleted. Thread-safe. */
public interface Kept {
    /** A plural noun, as in {@code predictions}. */
    String name();

    /** For how long; empty for ever. */
    Optional<Duration> keep();

    /** Above how many the oldest go, however young; empty without bound. */
    default OptionalLong most() {
        return OptionalLong.empty();
    }

    /** About how many there are; cheap, whatever their number. */
    long entries();

    /** Deletes what is older than it is kept, or more than may be, the oldest first and in short units of work; how many went. */
    long collect(Instant now);
}
