package dev.tidemill.pipelines.domain;

import dev.tidemill.platform.definitions.Suggestions;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Names;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Reads a pipeline from its document, refusing what could not run. */
public final class PipelineParser {
    private static final int MOST_CHOICES = 1000;
    private static final String DEFAULT_TIMEOUT = "PT1H";

    private final Map<String, StepKind> kinds;

    public PipelineParser(Map<String, StepKind> kinds) {
        this.kinds = kinds;
    }

    public Pipeline parse(YamlObject document) {
        List<Pipeline.Parameter> parameters = document.optionalObject("parameters")
                .map(PipelineParser::parameters)
                .orElse(List.of());
        List<YamlObject> entries = document.objects("steps");
        if (entries.isEmpty()) {
            throw document.invalid("steps", "a pipeline has at least one step");
        }
        Set<String> names = names(entries);
        Set<String> parameterNames =
                parameters.stream().map(Pipeline.Parameter::name).collect(Collectors.toCollection(TreeSet::new));
        List<Pipeline.Step> steps = new ArrayList<>();
        for (YamlObject entry : entries) {
            steps.add(step(entry, names, parameterNames));
        }
        var pipeline = new Pipeline(parameters, steps);
        List<String> cycle = pipeline.cycle();
        if (!cycle.isEmpty()) {
            throw document.invalid("steps", "these steps wait for each other: " + String.join(" -> ", cycle));
        }
        return pipeline;
    }

    private static List<Pipeline.Parameter> parameters(YamlObject object) {
        var parameters = new ArrayList<Pipeline.Parameter>();
        for (String name : object.keys()) {
            YamlObject entry = object.object(name);
            var parameter = new Pipeline.Parameter(
                    object.checked(name, name, value -> Names.require("parameter", value)),
                    entry.oneOf("type", Pipeline.Type.class, Pipeline.Type.TEXT),
                    entry.optionalText("default"));
            parameter
                    .otherwise()
                    .ifPresent(value -> entry.checked("default", value, text -> {
                        Pipelines.check(parameter, text);
                        return text;
                    }));
            entry.optionalText("description");
            entry.end();
            parameters.add(parameter);
        }
        return parameters;
    }

    private static Set<String> names(List<YamlObject> entries) {
        var names = new LinkedHashSet<String>();
        for (YamlObject entry : entries) {
            String name = entry.checked("name", entry.text("name"), value -> Names.require("name", value));
            if (!names.add(name)) {
                throw entry.invalid("name", "there is another step '" + name + "'");
            }
        }
        return names;
    }

    private static void checkExpressions(
            YamlObject entry, String field, Object value, Set<String> parameters, Set<String> names) {
        for (String problem : Expressions.problems(value, parameters, names)) {
            throw entry.invalid(field, problem);
        }
    }

    private Pipeline.Step step(YamlObject entry, Set<String> names, Set<String> parameters) {
        String name = entry.text("name");
        StepKind kind = kind(entry);
        Map<String, Object> with =
                entry.optionalObject("with").map(YamlObject::plain).orElse(Map.of());
        Map<String, List<Object>> matrix = matrix(entry);
        checkInputs(entry, kind, with, matrix);
        checkExpressions(entry, "with", with, parameters, names);
        checkExpressions(entry, "matrix", matrix, parameters, names);
        var needs = new LinkedHashSet<>(entry.texts("needs"));
        for (String need : needs) {
            if (!names.contains(need)) {
                throw entry.invalid(
                        "needs",
                        "there is no step '" + need + "'"
                                + Suggestions.nearest(need, names)
                                        .map(nearest -> "; did you mean '" + nearest + "'?")
                                        .orElse(""));
            }
        }
        needs.addAll(Expressions.steps(with));
        needs.addAll(Expressions.steps(matrix));
        var step = new Pipeline.Step(
                name,
                kind.name(),
                List.copyOf(needs),
                with,
                matrix,
                entry.integer("retries", 0, 0, 20),
                timeout(entry),
                cache(entry, kind));
        if (step.choices().size() > MOST_CHOICES) {
            throw entry.invalid("matrix", "it has " + step.choices().size() + " combinations; at most " + MOST_CHOICES);
        }
        entry.end();
        return step;
    }

    private static Duration timeout(YamlObject entry) {
        Duration timeout = entry.duration("timeout", DEFAULT_TIMEOUT);
        if (timeout.isZero()) {
            throw entry.invalid("timeout", "a step needs some time");
        }
        return timeout;
    }

    private static boolean cache(YamlObject entry, StepKind kind) {
        boolean cache = entry.flag("cache", true);
        if (entry.has("cache") && !kind.cacheable()) {
            throw entry.invalid(
                    "cache",
                    "a result of " + kind.name() + " is never reused, so there is nothing to choose; leave it out");
        }
        return cache;
    }

    private StepKind kind(YamlObject entry) {
        String uses = entry.text("uses");
        StepKind kind = kinds.get(uses);
        if (kind == null) {
            throw entry.invalid(
                    "uses",
                    "there is no step kind '" + uses + "'"
                            + Suggestions.nearest(uses, kinds.keySet())
                                    .map(nearest -> "; did you mean '" + nearest + "'?")
                                    .orElse("; there are " + new TreeSet<>(kinds.keySet())));
        }
        return kind;
    }

    private static Map<String, List<Object>> matrix(YamlObject entry) {
        return entry.optionalObject("matrix")
                .map(object -> {
                    var matrix = new LinkedHashMap<String, List<Object>>();
                    object.plain().forEach((key, value) -> {
                        if (!(value instanceof List<?> list) || list.isEmpty()) {
                            throw object.invalid(key, "a list of values is expected here");
                        }
                        matrix.put(key, List.copyOf(list));
                    });
                    return (Map<String, List<Object>>) matrix;
                })
                .orElse(Map.of());
    }

    private static void checkInputs(
            YamlObject entry, StepKind kind, Map<String, Object> with, Map<String, List<Object>> matrix) {
        var given = new TreeSet<>(with.keySet());
        given.addAll(matrix.keySet());
        var known = new TreeSet<>(kind.inputs().required());
        known.addAll(kind.inputs().optional());
        for (String input : kind.inputs().required()) {
            if (!given.contains(input)) {
                throw entry.invalid("with", kind.name() + " needs input '" + input + "'");
            }
        }
        for (String input : given) {
            if (!known.contains(input)) {
                TidemillException refusal = entry.invalid(
                        "with",
                        kind.name() + " has no input '" + input + "'"
                                + Suggestions.nearest(input, known)
                                        .map(nearest -> "; did you mean '" + nearest + "'?")
                                        .orElse("; it has " + known));
                throw refusal;
            }
        }
    }
}
