package dev.tidemill.deployments.api;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Map;

/** {@code kind: Deployment}. */
public final class DeploymentDefinitionKind implements DefinitionKind<Deployment.Definition> {
    private final Deployments deployments;

    public DeploymentDefinitionKind(Deployments deployments) {
        this.deployments = deployments;
    }

    @Override
    public String kind() {
        return "Deployment";
    }

    @Override
    public int rank() {
        return 60;
    }

    @Override
    public Deployment.Definition parse(String name, YamlObject document, ProjectFiles files) {
        return new Deployment.Definition(
                document.text("model"),
                document.optionalText("view"),
                document.optionalText("monitor"),
                document.optionalText("policy"),
                document.optionalText("journal").map(DeploymentDefinitionKind::journal));
    }

    private static Deployment.Journal journal(String text) {
        return switch (text) {
            case "durable" -> Deployment.Journal.DURABLE;
            case "best-effort" -> Deployment.Journal.BEST_EFFORT;
            default ->
                throw new TidemillException(
                                ErrorCode.INVALID_DEFINITION, "'" + text + "' is neither durable nor best-effort")
                        .at("journal");
        };
    }

    @Override
    public Prepared prepare(
            String project, String name, Deployment.Definition definition, Map<String, Object> earlier) {
        return applied -> deployments.define(project, name, definition);
    }
}
