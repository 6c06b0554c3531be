package dev.tidemill.inference.domain;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.registry.domain.ModelVersion;

/**
 * A model version that a gateway serves.
 *
 * @param trusted whether the code in its folder may run
 * @param network whether that code may use the network
 */
public record ServedVersion(
        String project, String model, int version, Digest folder, boolean trusted, boolean network) {
    /** A version whose code may not use the network. */
    public ServedVersion(String project, String model, int version, Digest folder, boolean trusted) {
        this(project, model, version, folder, trusted, false);
    }

    /**
     * A registered version.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code FAILED_PRECONDITION} if its files are not kept here
     */
    public static ServedVersion of(ModelVersion version) {
        return new ServedVersion(
                version.project(),
                version.model(),
                version.version(),
                version.requireFolder(),
                version.trusted(),
                version.trustedWithNetwork());
    }

    /** Whether this is the same version as another, and may do something that the other may not. */
    boolean mayMoreThan(ServedVersion other) {
        return isSame(other) && ((trusted && !other.trusted) || (network && !other.network));
    }

    boolean isSame(ServedVersion other) {
        return project.equals(other.project) && model.equals(other.model) && version == other.version;
    }

    public String reference() {
        return model + "/" + version;
    }
}
