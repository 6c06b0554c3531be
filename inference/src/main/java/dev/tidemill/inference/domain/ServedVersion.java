package dev.tidemill.inference.domain;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.registry.domain.ModelVersion;

/**
 * A model version that a gateway serves.
 *
 * @param trusted whether its pickles may be opened though they refer to more than the allow-list holds
 */
public record ServedVersion(String project, String model, int version, Digest folder, boolean trusted) {
    /**
     * A registered version.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code FAILED_PRECONDITION} if its files are not kept here
     */
    public static ServedVersion of(ModelVersion version) {
        return new ServedVersion(
                version.project(), version.model(), version.version(), version.requireFolder(), version.trusted());
    }

    public String reference() {
        return model + "/" + version;
    }
}
