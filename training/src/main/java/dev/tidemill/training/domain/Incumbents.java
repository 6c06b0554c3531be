package dev.tidemill.training.domain;

import dev.tidemill.artifacts.domain.Digest;
import java.time.Instant;
import java.util.Optional;

/** Knows the model that serves now, for candidates to be compared with. */
@FunctionalInterface
public interface Incumbents {
    /**
     * The version that serves.
     *
     * @param reference such as {@code bikes/3}
     * @param folder digest of its model folder; empty if its files are not kept here
     * @param dataUntil event time of the newest row that it was trained on; empty if that is not known
     * @param rows labelled rows without which the deployment's policy decides nothing
     */
    record Incumbent(String reference, Optional<Digest> folder, Optional<Instant> dataUntil, int rows) {}

    /** The champion; empty before the first version is deployed. */
    Optional<Incumbent> champion(String project, String deployment);
}
