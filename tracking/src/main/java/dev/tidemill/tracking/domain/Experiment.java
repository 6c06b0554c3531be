package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.Map;

/**
 * A named group of runs. The id comes from a sequence that all projects share.
 *
 * @param artifactLocation where the artifacts of its runs go, as a URI
 * @param deleted whether it is kept only to be restored
 */
public record Experiment(
        long id,
        String project,
        String name,
        String artifactLocation,
        boolean deleted,
        Instant createdAt,
        Instant updatedAt,
        Map<String, String> tags) {
    /** Name of the experiment that every project has. */
    public static final String DEFAULT_NAME = "Default";

    /** Its id as texts write it. */
    public String reference() {
        return Long.toString(id);
    }
}
