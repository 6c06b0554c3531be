package dev.tidemill.inference.graph;

import dev.tidemill.inference.graph.GraphNode.Branch;
import dev.tidemill.inference.graph.GraphNode.Combination;
import dev.tidemill.inference.graph.GraphNode.Condition;
import dev.tidemill.inference.graph.GraphNode.Ensemble;
import dev.tidemill.inference.graph.GraphNode.Model;
import dev.tidemill.inference.graph.GraphNode.Sequence;
import dev.tidemill.inference.graph.GraphNode.Share;
import dev.tidemill.inference.graph.GraphNode.Split;
import dev.tidemill.inference.graph.GraphNode.Switch;
import dev.tidemill.inference.graph.GraphNode.Test;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Names;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads graphs from plain maps and lists, such as YAML and JSON become, and writes them so. */
public final class GraphParser {
    private static final int DEEPEST = 20;
    private static final int MOST_MODELS = 100;
    private static final Set<String> KINDS = Set.of("model", "sequence", "switch", "split", "ensemble");

    private GraphParser() {}

    /**
     * Reads a graph.
     *
     * @param at where it stands, for errors
     * @throws TidemillException {@code INVALID_ARGUMENT} naming the part that is not understood
     */
    public static GraphNode parse(String at, @Nullable Object value) {
        GraphNode node = node(at, value, 0);
        if (node.models().count() > MOST_MODELS) {
            throw TidemillException.invalid(at, "There are more than " + MOST_MODELS + " models in it");
        }
        return node;
    }

    private static GraphNode node(String at, @Nullable Object value, int depth) {
        if (depth > DEEPEST) {
            throw TidemillException.invalid(at, "It is nested deeper than " + DEEPEST);
        }
        Map<?, ?> map = map(at, value);
        Set<String> kinds = new TreeSet<>(KINDS);
        kinds.removeIf(kind -> !map.containsKey(kind));
        if (kinds.size() != 1) {
            throw TidemillException.invalid(
                    at, "A node has one of " + new TreeSet<>(KINDS) + "; this one has " + map.keySet());
        }
        String kind = kinds.iterator().next();
        String below = at + "." + kind;
        Object inside = map.get(kind);
        return switch (kind) {
            case "model" -> {
                only(at, map, "model");
                yield model(below, inside);
            }
            case "sequence" -> {
                only(at, map, "sequence", "pass");
                yield new Sequence(nodes(below, inside, depth), both(at, map.get("pass")));
            }
            case "switch" -> {
                only(at, map, "switch");
                yield new Switch(branches(below, inside, depth));
            }
            case "split" -> {
                only(at, map, "split", "by");
                yield new Split(
                        shares(below, inside, depth),
                        Optional.ofNullable(map.get("by")).map(String::valueOf));
            }
            default -> {
                only(at, map, "ensemble", "combine", "weights");
                yield ensemble(at, map, nodes(below, inside, depth));
            }
        };
    }

    private static Map<?, ?> map(String at, @Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw TidemillException.invalid(at, "'" + value + "' is not a map");
    }

    private static List<?> list(String at, @Nullable Object value) {
        if (value instanceof List<?> list && !list.isEmpty()) {
            return list;
        }
        throw TidemillException.invalid(at, "'" + value + "' is not a list of at least one");
    }

    private static void only(String at, Map<?, ?> map, String... known) {
        for (Object key : map.keySet()) {
            if (!List.of(known).contains(key)) {
                throw TidemillException.invalid(at, "'" + key + "' is none of " + List.of(known));
            }
        }
    }

    private static Model model(String at, @Nullable Object value) {
        String text = String.valueOf(value);
        int mark = Math.max(text.lastIndexOf('/'), text.lastIndexOf('@'));
        String name = mark < 0 ? text : text.substring(0, mark);
        Names.require(at, name);
        String version = mark < 0 ? "" : text.substring(mark + 1);
        if (mark >= 0 && version.isEmpty()) {
            throw TidemillException.invalid(
                    at, "'" + text + "' is not a reference such as price, price/3 or price@best");
        }
        return new Model(name, version.isEmpty() ? Optional.empty() : Optional.of(version));
    }

    private static List<GraphNode> nodes(String at, @Nullable Object value, int depth) {
        List<GraphNode> nodes = new ArrayList<>();
        for (Object one : list(at, value)) {
            nodes.add(node(at + "[" + nodes.size() + "]", one, depth + 1));
        }
        return nodes;
    }

    private static boolean both(String at, @Nullable Object pass) {
        return switch (String.valueOf(pass)) {
            case "null", "response" -> false;
            case "both" -> true;
            default -> throw TidemillException.invalid(at + ".pass", "'" + pass + "' is none of [response, both]");
        };
    }

    private static List<Branch> branches(String at, @Nullable Object value, int depth) {
        List<Branch> branches = new ArrayList<>();
        for (Object one : list(at, value)) {
            String here = at + "[" + branches.size() + "]";
            Map<?, ?> map = map(here, one);
            only(here, map, "when", "then", "name");
            GraphNode then = node(here + ".then", map.get("then"), depth + 1);
            Optional<Condition> when =
                    Optional.ofNullable(map.get("when")).map(condition -> condition(here + ".when", condition));
            branches.add(new Branch(name(map, then, branches.size()), when, then));
        }
        return branches;
    }

    private static String name(Map<?, ?> map, GraphNode node, int position) {
        Object name = map.get("name");
        return name != null
                ? String.valueOf(name)
                : node instanceof Model model ? model.reference() : Integer.toString(position);
    }

    private static Condition condition(String at, Object value) {
        Map<?, ?> map = map(at, value);
        only(at, map, "column", "equals", "in", "below", "at-least", "missing");
        Object column = map.get("column");
        if (column == null || map.size() != 2) {
            throw TidemillException.invalid(
                    at, "A condition has a 'column' and one of [equals, in, below, at-least, missing]");
        }
        String name = String.valueOf(column);
        if (map.containsKey("missing")) {
            return new Condition(name, Test.MISSING, List.of());
        }
        if (map.containsKey("in")) {
            return new Condition(name, Test.IN, List.copyOf(list(at + ".in", map.get("in"))));
        }
        if (map.containsKey("equals")) {
            return new Condition(name, Test.IN, List.of(String.valueOf(map.get("equals"))));
        }
        Test test = map.containsKey("below") ? Test.BELOW : Test.AT_LEAST;
        String key = test == Test.BELOW ? "below" : "at-least";
        return new Condition(name, test, List.of(number(at + "." + key, map.get(key))));
    }

    private static double number(String at, @Nullable Object value) {
        if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
            return number.doubleValue();
        }
        throw TidemillException.invalid(at, "'" + value + "' is not a number");
    }

    private static List<Share> shares(String at, @Nullable Object value, int depth) {
        List<Share> shares = new ArrayList<>();
        for (Object one : list(at, value)) {
            String here = at + "[" + shares.size() + "]";
            Map<?, ?> map = map(here, one);
            only(here, map, "weight", "to", "name");
            double weight = number(here + ".weight", map.get("weight"));
            if (weight <= 0) {
                throw TidemillException.invalid(here + ".weight", "'" + weight + "' is not above 0");
            }
            GraphNode to = node(here + ".to", map.get("to"), depth + 1);
            shares.add(new Share(name(map, to, shares.size()), weight, to));
        }
        return shares;
    }

    private static Ensemble ensemble(String at, Map<?, ?> map, List<GraphNode> members) {
        String text = map.containsKey("combine") ? String.valueOf(map.get("combine")) : "mean";
        Combination combination;
        try {
            combination = Combination.valueOf(text.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid(
                    at + ".combine", "'" + text + "' is none of [mean, median, min, max, vote, concat]");
        }
        List<Double> weights = new ArrayList<>();
        if (map.containsKey("weights")) {
            for (Object weight : list(at + ".weights", map.get("weights"))) {
                weights.add(number(at + ".weights", weight));
            }
            boolean weighed = combination == Combination.MEAN || combination == Combination.VOTE;
            double sum = weights.stream().mapToDouble(Double::doubleValue).sum();
            boolean negative = weights.stream().anyMatch(weight -> weight < 0);
            if (!weighed || weights.size() != members.size() || negative || sum <= 0) {
                throw TidemillException.invalid(
                        at + ".weights",
                        "A mean or vote has a weight of at least 0 for each of its " + members.size()
                                + " members, not all 0");
            }
        }
        return new Ensemble(members, combination, weights);
    }

    /**
     * The same graph with something else in the models' places.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is too deep or has too many models then
     */
    public static GraphNode fixed(GraphNode node, Function<Model, GraphNode> models) {
        return parse("graph", plain(replaced(node, models)));
    }

    private static GraphNode replaced(GraphNode node, Function<Model, GraphNode> models) {
        return switch (node) {
            case Model model -> models.apply(model);
            case Sequence sequence ->
                new Sequence(
                        sequence.parts().stream()
                                .map(part -> replaced(part, models))
                                .toList(),
                        sequence.both());
            case Switch choice ->
                new Switch(choice.branches().stream()
                        .map(branch -> new Branch(branch.name(), branch.when(), replaced(branch.then(), models)))
                        .toList());
            case Split split ->
                new Split(
                        split.shares().stream()
                                .map(share -> new Share(share.name(), share.weight(), replaced(share.to(), models)))
                                .toList(),
                        split.by());
            case Ensemble ensemble ->
                new Ensemble(
                        ensemble.members().stream()
                                .map(member -> replaced(member, models))
                                .toList(),
                        ensemble.combination(),
                        ensemble.weights());
        };
    }

    /** The graph as it would be written, every model with its version. */
    public static Map<String, Object> plain(GraphNode node) {
        Map<String, Object> map = new LinkedHashMap<>();
        switch (node) {
            case Model model -> map.put("model", model.reference());
            case Sequence sequence -> {
                map.put(
                        "sequence",
                        sequence.parts().stream().map(GraphParser::plain).toList());
                map.put("pass", sequence.both() ? "both" : "response");
            }
            case Switch choice ->
                map.put(
                        "switch",
                        choice.branches().stream().map(GraphParser::plain).toList());
            case Split split -> {
                map.put("split", split.shares().stream().map(GraphParser::plain).toList());
                split.by().ifPresent(by -> map.put("by", by));
            }
            case Ensemble ensemble -> {
                map.put(
                        "ensemble",
                        ensemble.members().stream().map(GraphParser::plain).toList());
                map.put("combine", ensemble.combination().name().toLowerCase(Locale.ROOT));
                if (!ensemble.weights().isEmpty()) {
                    map.put("weights", ensemble.weights());
                }
            }
        }
        return map;
    }

    private static Map<String, Object> plain(Branch branch) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", branch.name());
        branch.when().ifPresent(when -> map.put("when", plain(when)));
        map.put("then", plain(branch.then()));
        return map;
    }

    private static Map<String, Object> plain(Condition when) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("column", when.column());
        switch (when.test()) {
            case IN -> map.put("in", when.values());
            case BELOW -> map.put("below", when.values().getFirst());
            case AT_LEAST -> map.put("at-least", when.values().getFirst());
            case MISSING -> map.put("missing", true);
        }
        return map;
    }

    private static Map<String, Object> plain(Share share) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", share.name());
        map.put("weight", share.weight());
        map.put("to", plain(share.to()));
        return map;
    }
}
