package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;

/** The versions of its model that a deployment may serve. Thread-safe. */
final class DeployedModels {
    private final Models models;
    private final ModelLoader loader;

    DeployedModels(Models models, ModelLoader loader) {
        this.models = models;
        this.loader = loader;
    }

    ModelVersion version(Deployment deployment, int version) {
        return models.version(deployment.project(), deployment.definition().model(), version);
    }

    /**
     * The version as it is served.
     *
     * @throws TidemillException {@code NOT_FOUND} if it was deleted, {@code FAILED_PRECONDITION} if it has no files
     */
    ServedVersion served(Deployment deployment, int version) {
        return ServedVersion.of(version(deployment, version));
    }

    /** The version loaded, to be closed by the caller. */
    ModelHandle load(ServedVersion version) {
        return loader.acquire(version);
    }
}
