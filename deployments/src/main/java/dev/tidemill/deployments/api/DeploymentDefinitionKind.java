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
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;

/** {@code kind: Deployment}. */
public final class DeploymentDefinitionKind implements DefinitionKind<Deployment.Definition> {
    private static final String REGISTER = "registry.register";
    /** Names of models among which one is looked for that somebody may have meant. */
    private static final int MOST_MEANT = 10_000;

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
    public Map<String, List<String>> unresolved(
            String project, Map<String, Object> applied, Function<String, Collection<String>> defined) {
        Map<String, Deployment.Definition> deployments = ofType(Deployment.Definition.class, applied);
        if (deployments.isEmpty()) {
            return Map.of();
        }
        Set<String> known = known(project, applied, deployments.values());
        Collection<String> views = deployments.values().stream()
                        .allMatch(deployment -> deployment.view().isEmpty())
                ? List.of()
                : defined.apply("FeatureView");
        var unresolved = new TreeMap<String, List<String>>();
        deployments.forEach((name, definition) -> unresolved.put(name, unresolved(name, definition, known, views)));
        return unresolved;
    }

    private static List<String> unresolved(
            String name, Deployment.Definition definition, Set<String> models, Collection<String> views) {
        var missing = new ArrayList<String>();
        if (!models.contains(definition.model())) {
            missing.add("Deployment '" + name + "' names model '" + definition.model()
                    + "', which is not registered, nor named by a pipeline's registry.register"
                    + meant(definition.model(), models)
                    + "; it answers once a version of that model is registered");
        }
        definition
                .view()
                .filter(view -> !views.contains(view))
                .ifPresent(view -> missing.add("Deployment '" + name + "' names view '" + view
                        + "', which is not defined" + meant(view, views)));
        return missing;
    }

    /** What was applied of a type, by name. */
    private static <T> Map<String, T> ofType(Class<T> type, Map<String, Object> applied) {
        var found = new TreeMap<String, T>();
        applied.forEach((key, definition) -> {
            if (type.isInstance(definition)) {
                found.put(key.substring(key.indexOf('/') + 1), type.cast(definition));
            }
        });
        return found;
    }

    private static String meant(String name, Collection<String> known) {
        return Suggestions.nearest(name, known)
                .map(near -> "; did you mean '" + near + "'?")
                .orElse("");
    }

    /**
     * Those of the models that deployments name which there are, or which a pipeline will register; and if any is missing, the others
     * that may be meant.
     */
    private Set<String> known(
            String project, Map<String, Object> applied, Collection<Deployment.Definition> deployments) {
        Set<String> known = promised(project, applied);
        var missing = new TreeSet<String>();
        deployments.forEach(deployment -> missing.add(deployment.model()));
        missing.removeAll(known);
        Set<String> borne = models.borne(project, missing);
        known.addAll(borne);
        if (borne.size() < missing.size()) {
            known.addAll(models.names(project, MOST_MEANT));
        }
        return known;
    }

    /** Names of models that a pipeline will register. */
    private Set<String> promised(String project, Map<String, Object> applied) {
        var all = new TreeMap<String, Pipeline>();
        pipelines.list(project).forEach(stored -> all.put(stored.name(), stored.pipeline()));
        all.putAll(ofType(Pipeline.class, applied));
        var names = new TreeSet<String>();
        for (Pipeline pipeline : all.values()) {
            for (Pipeline.Step step : pipeline.steps()) {
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
