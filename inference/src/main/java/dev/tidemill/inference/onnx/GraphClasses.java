package dev.tidemill.inference.onnx;

import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.OnnxGraph.Attribute;
import dev.tidemill.trees.OnnxGraph.Held;
import dev.tidemill.trees.OnnxGraph.Operation;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * The classes that a graph tells apart, where its first output is one of them: those that the node that chooses it names (a classifier of
 * ONNX's learned operators), or the list from which the place of the greatest score chooses one, as skl2onnx writes it for other models.
 */
final class GraphClasses {
    private static final String LEARNED = "ai.onnx.ml";

    /** They leave what a value means as it is. */
    private static final Set<String> PASSING = Set.of("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten");

    private static final Set<String> CLASSIFIERS =
            Set.of("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier");

    private static final List<String> NAMES = List.of("classlabels_ints", "classlabels_int64s", "classlabels_strings");

    private final Map<String, Operation> producers = new HashMap<>();
    private final Map<String, Held> held = new HashMap<>();

    private GraphClasses(OnnxGraph graph) {
        for (Operation operation : graph.operations()) {
            operation.outputs().forEach(output -> producers.put(output, operation));
        }
        graph.held().forEach(tensor -> held.put(tensor.name(), tensor));
    }

    /** Their names in their order; empty where the first output is not known to be one of them. */
    static List<String> of(OnnxGraph graph) {
        return graph.outputs().isEmpty()
                ? List.of()
                : new GraphClasses(graph).chosen(graph.outputs().getFirst().name());
    }

    private List<String> chosen(String output) {
        String value = source(output);
        Operation made = producers.get(value);
        if (made == null || !made.domain().equals(LEARNED)) {
            return List.of();
        }
        if (CLASSIFIERS.contains(made.type()) && made.outputs().getFirst().equals(value)) {
            return named(made);
        }
        if (made.type().equals("ArrayFeatureExtractor") && made.inputs().size() == 2) {
            Operation place = producers.get(source(made.inputs().getLast()));
            Held list = held.get(made.inputs().getFirst());
            return place != null && place.type().equals("ArgMax") && list != null
                    ? distinct(LongStream.of(list.wholes())
                            .mapToObj(String::valueOf)
                            .toList())
                    : List.of();
        }
        return List.of();
    }

    private static List<String> named(Operation classifier) {
        for (String name : NAMES) {
            Optional<Attribute> given = classifier.attribute(name);
            if (given.isPresent()) {
                List<String> texts = given.get().texts();
                return distinct(
                        texts.isEmpty()
                                ? LongStream.of(given.get().wholes())
                                        .mapToObj(String::valueOf)
                                        .toList()
                                : texts);
            }
        }
        return List.of();
    }

    /** Names that are there twice tell nothing apart. */
    private static List<String> distinct(List<String> names) {
        return Set.copyOf(names).size() == names.size() ? names : List.of();
    }

    /** Where a value comes from, before all that leave its meaning as it is. */
    private String source(String value) {
        Set<String> seen = new HashSet<>();
        String from = value;
        while (seen.add(from)) {
            Operation made = producers.get(from);
            if (made == null || !PASSING.contains(made.type()) || made.inputs().isEmpty()) {
                return from;
            }
            from = made.inputs().getFirst();
        }
        return value;
    }
}
