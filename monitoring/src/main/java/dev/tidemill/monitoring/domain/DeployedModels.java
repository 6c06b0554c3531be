package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.ServedVersion;
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

    /** The version loaded, to be closed by the caller. */
    ModelHandle load(Deployment deployment, int version) {
        return loader.acquire(ServedVersion.of(version(deployment, version)));
    }
}
