package dev.tidemill.inference.graph;

import dev.tidemill.inference.graph.GraphNode.Combination;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.domain.Signature.Field;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** What a graph takes and gives, as far as the signatures of its models tell. */
public final class GraphSignature {
    private final Function<GraphNode.Model, Optional<Signature>> signatures;

    private GraphSignature(Function<GraphNode.Model, Optional<Signature>> signatures) {
        this.signatures = signatures;
    }

    /**
     * The signature of a graph.
     *
     * @param signatures of its models
     * @return empty unless every model has one of named columns
     */
    public static Optional<Signature> of(GraphNode graph, Function<GraphNode.Model, Optional<Signature>> signatures) {
        boolean columns = graph.models()
                .map(signatures)
                .allMatch(one -> one.isPresent()
                        && !one.get().inputs().isEmpty()
                        && Stream.concat(one.get().inputs().stream(), one.get().outputs().stream())
                                .noneMatch(field -> field.type().contains("[")));
        var told = new GraphSignature(signatures);
        return columns
                ? Optional.of(new Signature(
                        distinct(told.inputs(graph)),
                        distinct(Stream.concat(
                                told.outputs(graph),
                                chooses(graph) ? Stream.of(new Field(GraphModel.ROUTE, "string")) : Stream.of()))))
                : Optional.empty();
    }

    private static List<Field> distinct(Stream<Field> fields) {
        Map<String, Field> byName = new LinkedHashMap<>();
        fields.forEach(field -> byName.putIfAbsent(field.name(), field));
        return List.copyOf(byName.values());
    }

    private static boolean chooses(GraphNode node) {
        return switch (node) {
            case GraphNode.Model model -> false;
            case GraphNode.Switch choice -> true;
            case GraphNode.Split split -> true;
            case GraphNode.Sequence sequence -> sequence.parts().stream().anyMatch(GraphSignature::chooses);
            case GraphNode.Ensemble ensemble -> ensemble.members().stream().anyMatch(GraphSignature::chooses);
        };
    }

    private Stream<Field> inputs(GraphNode node) {
        return switch (node) {
            case GraphNode.Model model -> signatures.apply(model).orElseThrow().inputs().stream();
            case GraphNode.Sequence sequence ->
                sequence.both() ? needed(sequence) : inputs(sequence.parts().getFirst());
            case GraphNode.Switch choice ->
                Stream.concat(
                        choice.branches().stream().flatMap(branch -> inputs(branch.then())),
                        choice.branches().stream()
                                .flatMap(branch -> branch.when().stream())
                                .map(when -> new Field(when.column(), isNumber(when) ? "double" : "string")));
            case GraphNode.Split split ->
                Stream.concat(
                        split.shares().stream().flatMap(share -> inputs(share.to())),
                        split.by().map(name -> new Field(name, "string")).stream());
            case GraphNode.Ensemble ensemble -> ensemble.members().stream().flatMap(this::inputs);
        };
    }

    private Stream<Field> needed(GraphNode.Sequence sequence) {
        List<Field> needed = new ArrayList<>();
        List<String> made = new ArrayList<>();
        for (GraphNode part : sequence.parts()) {
            inputs(part).filter(field -> !made.contains(field.name())).forEach(needed::add);
            outputs(part).forEach(field -> made.add(field.name()));
        }
        return needed.stream();
    }

    private static boolean isNumber(GraphNode.Condition when) {
        return switch (when.test()) {
            case BELOW, AT_LEAST -> true;
            case IN -> when.values().stream().allMatch(value -> SwitchRouter.number(value) != null);
            case MISSING -> false;
        };
    }

    private Stream<Field> outputs(GraphNode node) {
        return switch (node) {
            case GraphNode.Model model -> signatures.apply(model).orElseThrow().outputs().stream();
            case GraphNode.Sequence sequence -> outputs(sequence.parts().getLast());
            case GraphNode.Switch choice -> outputs(choice.branches().getFirst().then());
            case GraphNode.Split split -> outputs(split.shares().getFirst().to());
            case GraphNode.Ensemble ensemble ->
                ensemble.combination() == Combination.CONCAT
                        ? ensemble.members().stream().flatMap(this::outputs)
                        : outputs(ensemble.members().getFirst());
        };
    }
}
