package dev.tidemill.training.domain;

import dev.tidemill.artifacts.domain.Digest;
import java.util.Optional;

/** Knows the model that serves now, for candidates to be compared with. */
@FunctionalInterface
public interface Incumbents {
    /** Digest of the champion's model folder; empty before the first deployment. */
    Optional<Digest> champion(String project, String deployment);
}
