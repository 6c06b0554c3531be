package dev.tidemill.inference.domain;

/** Loads models, keeping those in use in memory. Thread-safe. */
public interface ModelLoader {
    /**
     * Loads a version, or finds it loaded.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code FAILED_PRECONDITION} if its folder does not hold a
     *     model that can be served
     */
    LoadedModel load(ServedVersion version);
}
