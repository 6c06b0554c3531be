package dev.tidemill.pipelines.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Expressions in step inputs, those of a matrix too: {@code ${parameters.NAME}} and {@code ${steps.STEP.OUTPUT}}. An input that is one expression
 * takes the value as it is; expressions within longer text are replaced by the value's text. The output of a step that fans
 * out is the list of its instances' outputs.
 */
final class Expressions {
    private static final Pattern EXPRESSION = Pattern.compile("\\$\\{([^}]*)}");
    private static final Pattern STEP = Pattern.compile("steps\\.([a-z0-9_-]+)\\.([A-Za-z0-9_]+)");
    private static final Pattern PARAMETER = Pattern.compile("parameters\\.([a-z0-9_-]+)");

    private Expressions() {}

    /** What a step gives. */
    record Output(String step, String name) {}

    /** The output that a text stands for as a whole; empty if it is something else. */
    static Optional<Output> output(String text) {
        Matcher whole = EXPRESSION.matcher(text);
        if (!whole.matches()) {
            return Optional.empty();
        }
        Matcher step = STEP.matcher(whole.group(1).strip());
        return step.matches() ? Optional.of(new Output(step.group(1), step.group(2))) : Optional.empty();
    }

    static boolean isIn(String text) {
        return EXPRESSION.matcher(text).find();
    }

    /** Names of the steps that a value refers to. */
    static Set<String> steps(Object value) {
        var steps = new LinkedHashSet<String>();
        for (String body : bodies(value)) {
            Matcher matcher = STEP.matcher(body);
            if (matcher.matches()) {
                steps.add(matcher.group(1));
            }
        }
        return steps;
    }

    /** What is wrong with the expressions in a value; empty if nothing is. */
    static List<String> problems(Object value, Set<String> parameters, Set<String> steps) {
        var problems = new ArrayList<String>();
        for (String body : bodies(value)) {
            Matcher step = STEP.matcher(body);
            Matcher parameter = PARAMETER.matcher(body);
            if (step.matches()) {
                if (!steps.contains(step.group(1))) {
                    problems.add("${" + body + "}: there is no step '" + step.group(1) + "'");
                }
            } else if (parameter.matches()) {
                if (!parameters.contains(parameter.group(1))) {
                    problems.add("${" + body + "}: there is no parameter '" + parameter.group(1) + "'");
                }
            } else {
                problems.add("${" + body + "} is neither ${parameters.NAME} nor ${steps.STEP.OUTPUT}");
            }
        }
        return problems;
    }

    private static List<String> bodies(Object value) {
        var bodies = new ArrayList<String>();
        switch (value) {
            case String text -> {
                Matcher matcher = EXPRESSION.matcher(text);
                while (matcher.find()) {
                    bodies.add(matcher.group(1).strip());
                }
            }
            case Map<?, ?> map -> map.values().forEach(element -> bodies.addAll(bodies(element)));
            case List<?> list -> list.forEach(element -> bodies.addAll(bodies(element)));
            default -> {
                // numbers and booleans hold no expressions
            }
        }
        return bodies;
    }

    /** Replaces the expressions in a value. */
    static Object resolve(
            Object value, Map<String, String> parameters, Map<String, List<Map<String, Object>>> outputs) {
        return switch (value) {
            case String text -> resolveText(text, parameters, outputs);
            case Map<?, ?> map -> {
                var resolved = new LinkedHashMap<String, Object>();
                map.forEach((key, element) -> resolved.put(String.valueOf(key), resolve(element, parameters, outputs)));
                yield resolved;
            }
            case List<?> list ->
                list.stream()
                        .map(element -> resolve(element, parameters, outputs))
                        .toList();
            default -> value;
        };
    }

    private static Object resolveText(
            String text, Map<String, String> parameters, Map<String, List<Map<String, Object>>> outputs) {
        Matcher matcher = EXPRESSION.matcher(text);
        if (matcher.matches()) {
            return evaluate(matcher.group(1).strip(), parameters, outputs);
        }
        return matcher.reset()
                .replaceAll(match -> Matcher.quoteReplacement(
                        String.valueOf(evaluate(match.group(1).strip(), parameters, outputs))));
    }

    private static Object evaluate(
            String body, Map<String, String> parameters, Map<String, List<Map<String, Object>>> outputs) {
        Matcher parameter = PARAMETER.matcher(body);
        if (parameter.matches() && parameters.containsKey(parameter.group(1))) {
            return parameters.get(parameter.group(1));
        }
        Matcher step = STEP.matcher(body);
        if (step.matches() && outputs.containsKey(step.group(1))) {
            List<Object> values = new ArrayList<>();
            for (Map<String, Object> instance : outputs.get(step.group(1))) {
                Object value = instance.get(step.group(2));
                if (value == null) {
                    throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Step '" + step.group(1) + "' has no output '" + step.group(2) + "'; it has "
                                    + instance.keySet());
                }
                values.add(value);
            }
            return values.size() == 1 ? values.getFirst() : values;
        }
        throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "${" + body + "} has no value in this run");
    }
}
