package dev.tidemill.inference.domain;

/** Loads models, keeping those in use in memory. Thread-safe. */
public interface ModelLoader {
    /**
     * Loads a version, or finds it loaded. Others who want it meanwhile wait for the same load.
     *
     * @return must be closed; the model stays loaded until then, and often longer
     * @throws dev.tidemill.platform.errors.TidemillException {@code FAILED_PRECONDITION} if its folder does not hold a
     *     model that can be served
     */
    ModelHandle acquire(ServedVersion version);
}
