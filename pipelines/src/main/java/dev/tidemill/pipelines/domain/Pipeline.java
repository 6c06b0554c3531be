package dev.tidemill.pipelines.domain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A graph of steps.
 *
 * @param parameters by name, in the order written
 * @param steps in the order written; each step's needs are steps of this list, and they form no cycle
 */
public record Pipeline(List<Parameter> parameters, List<Step> steps) {
    public Pipeline {
        parameters = List.copyOf(parameters);
        steps = List.copyOf(steps);
    }

    /** A value that each run may set. */
    public record Parameter(String name, Type type, Optional<String> otherwise) {}

    public enum Type {
        TEXT,
        NUMBER,
        TIMESTAMP,
        DURATION
    }

    /**
     * One node of the graph.
     *
     * @param uses name of its {@link StepKind}
     * @param needs steps that must have succeeded before
     * @param with inputs; texts may hold expressions such as {@code ${parameters.until}}
     * @param matrix values by input name, which may hold expressions as well: the step fans out into one instance for each combination
     * @param retries how often it is tried again after a failure
     * @param timeout wall time for one attempt
     * @param cache whether equal inputs may reuse an earlier result, where the kind is {@linkplain StepKind#cacheable cacheable}
     */
    public record Step(
            String name,
            String uses,
            List<String> needs,
            Map<String, Object> with,
            Map<String, List<Object>> matrix,
            int retries,
            Duration timeout,
            boolean cache) {
        /** The combinations of the matrix, in the order written; one empty combination without a matrix. */
        public List<Map<String, Object>> choices() {
            List<Map<String, Object>> choices = List.of(Map.of());
            for (var entry : matrix.entrySet()) {
                var longer = new ArrayList<Map<String, Object>>();
                for (Map<String, Object> choice : choices) {
                    for (Object value : entry.getValue()) {
                        var next = new LinkedHashMap<>(choice);
                        next.put(entry.getKey(), value);
                        longer.add(next);
                    }
                }
                choices = longer;
            }
            return choices;
        }

        /** Name of one instance of the step. */
        public String instance(int position) {
            return matrix.isEmpty() ? name : name + "." + position;
        }
    }

    public Optional<Step> step(String name) {
        return steps.stream().filter(step -> step.name().equals(name)).findFirst();
    }

    /** Steps that need the named one. */
    public List<String> dependents(String name) {
        return steps.stream()
                .filter(step -> step.needs().contains(name))
                .map(Step::name)
                .toList();
    }

    /** A cycle among the needs, as the names along it; empty if there is none. */
    public List<String> cycle() {
        Map<String, Integer> colour = new TreeMap<>();
        for (Step step : steps) {
            List<String> path = new ArrayList<>();
            if (hasCycle(step.name(), colour, path)) {
                return path.subList(path.indexOf(path.getLast()), path.size());
            }
        }
        return List.of();
    }

    private boolean hasCycle(String name, Map<String, Integer> colour, List<String> path) {
        path.add(name);
        int state = colour.getOrDefault(name, 0);
        if (state == 1) {
            return true;
        }
        if (state == 0) {
            colour.put(name, 1);
            for (String need : step(name).map(Step::needs).orElse(List.of())) {
                if (hasCycle(need, colour, path)) {
                    return true;
                }
            }
            colour.put(name, 2);
        }
        path.removeLast();
        return false;
    }
}
