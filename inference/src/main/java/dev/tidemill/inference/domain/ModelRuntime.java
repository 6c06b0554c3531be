package dev.tidemill.inference.domain;

import java.util.Optional;

/** One way to run models. Chosen by what a folder holds; nobody names it. Thread-safe. */
public interface ModelRuntime {
    /**
     * Brings a model into memory.
     *
     * @return empty if this is no model for this runtime, so that the next one is asked
     * @throws dev.tidemill.platform.errors.TidemillException {@code FAILED_PRECONDITION} if it is, but cannot be served; says
     *     why
     */
    Optional<LoadedModel> open(ModelFolder folder);
}
