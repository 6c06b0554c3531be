package dev.tidemill.deployments.api;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.Suggestions;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.Models;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** {@code kind: Deployment}. */
public final class DeploymentDefinitionKind implements DefinitionKind<Deployment.Definition> {
    private static final String REGISTER = "registry.register";

    private final Deployments deployments;
    private final Models models;
    private final Pipelines pipelines;

    public DeploymentDefinitionKind(Deployments deployments, Models models, Pipelines pipelines) {
        this.deployments = deployments;
        this.models = models;
        this.pipelines = pipelines;
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
    public List<String> unresolved(
            String project,
            String name,
            Deployment.Definition definition,
            Function<String, Collection<String>> defined) {
        var missing = new ArrayList<String>();
        Set<String> known = models(project);
        if (!known.contains(definition.model())) {
            missing.add("Deployment '" + name + "' names model '" + definition.model()
                    + "', which is not registered, nor named by a pipeline's registry.register"
                    + meant(definition.model(), known)
                    + "; it answers once a version of that model is registered");
        }
        definition
                .view()
                .filter(view -> !defined.apply("FeatureView").contains(view))
                .ifPresent(view -> missing.add("Deployment '" + name + "' names view '" + view
                        + "', which is not defined" + meant(view, defined.apply("FeatureView"))));
        return missing;
    }

    private static String meant(String name, Collection<String> known) {
        return Suggestions.nearest(name, known)
                .map(near -> "; did you mean '" + near + "'?")
                .orElse("");
    }

    /** Names of models that there are, and of those that a pipeline will register. */
    private Set<String> models(String project) {
        var names = new TreeSet<String>();
        models.list(project).forEach(model -> names.add(model.name()));
        for (var pipeline : pipelines.list(project)) {
            for (Pipeline.Step step : pipeline.pipeline().steps()) {
                if (step.uses().equals(REGISTER)) {
                    names.add(String.valueOf(step.with().get("model")));
                }
            }
        }
        return names;
    }

    @Override
    public Prepared prepare(
            String project, String name, Deployment.Definition definition, Map<String, Object> earlier) {
        return applied -> deployments.define(project, name, definition);
    }
}
