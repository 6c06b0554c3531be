package dev.tidemill.registry.domain;

/** Hears when the code of a version may run that might not, or may not any more. Whoever runs models implements it. Thread-safe. */
@FunctionalInterface
public interface TrustWatch {
    /**
     * Called once the change is committed, before whoever made it has an answer.
     *
     * @param version as it is now
     */
    void trustChanged(ModelVersion version);
}
