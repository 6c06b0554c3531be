package dev.tidemill.pipelines.domain;

import java.time.Duration;

/**
 * How long a worker holds a step without a sign of life, and how often it gives one.
 *
 * @param length after which another worker may take the step up
 * @param renewal pause between two signs of life; a fraction of the length
 */
public record Leases(Duration length, Duration renewal) {
    public static final Leases DEFAULT = new Leases(Duration.ofSeconds(30), Duration.ofSeconds(10));
}
