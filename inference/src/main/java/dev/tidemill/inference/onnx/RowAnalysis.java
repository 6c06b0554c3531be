package dev.tidemill.inference.onnx;

import dev.tidemill.trees.OnnxGraph;
import dev.tidemill.trees.OnnxGraph.Held;
import dev.tidemill.trees.OnnxGraph.Operation;
import dev.tidemill.trees.OnnxGraph.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tells whether an ONNX graph answers each row by itself: whether row {@code i} of every output is computed from row {@code i} of the
 * inputs alone, and to the same bits wherever among how many rows it stands. Follows each value through the graph. A value is either
 * constant, or has rows: its dimension 0 is the inputs' dimension 0, untouched. {@link RowOperators} says of each operator when what
 * comes out has rows; an operator that it does not list, or that could mix rows with what it is given, makes the graph one that is not
 * known to be row by row. Nothing is guessed: where a shape that matters is not known, the answer is no.
 */
final class RowAnalysis {
    /**
     * What is known.
     *
     * @param rowWise whether the graph is known to answer each row by itself
     * @param reason why not; empty if it does
     */
    record Verdict(boolean rowWise, String reason) {}

    /** What made an analysis end: the graph is not known to be row by row. */
    static final class Mixed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Mixed(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * What is known of a value.
     *
     * @param rows whether it has rows; else it is constant
     * @param elementType ONNX's number of its type; 0 if that is not known
     * @param shape its dimensions, -1 for one of a size that is not known, as the first of a value with rows always is; empty if
     *     not even their number is known
     * @param wholes the values of a constant of few whole numbers; else none
     */
    record Fact(boolean rows, int elementType, Optional<List<Long>> shape, long[] wholes) {
        static Fact rows(int elementType, List<Long> shape) {
            List<Long> open = new ArrayList<>(shape);
            open.set(0, -1L);
            return new Fact(true, elementType, Optional.of(List.copyOf(open)), new long[0]);
        }

        static Fact constant(Held held) {
            return new Fact(false, held.elementType(), Optional.of(held.shape()), held.wholes());
        }

        static Fact constant() {
            return new Fact(false, 0, Optional.empty(), new long[0]);
        }

        List<Long> sizes() {
            return shape.orElseThrow(() -> new Mixed("takes a value whose shape is not known"));
        }

        int rank() {
            return sizes().size();
        }
    }

    private final OnnxGraph graph;
    private final Map<String, Fact> facts = new HashMap<>();

    private RowAnalysis(OnnxGraph graph) {
        this.graph = graph;
    }

    static Verdict of(OnnxGraph graph) {
        try {
            new RowAnalysis(graph).follow();
            return new Verdict(true, "");
        } catch (Mixed e) {
            return new Verdict(false, String.valueOf(e.getMessage()));
        }
    }

    private void follow() {
        if (graph.functions()) {
            throw new Mixed("it defines operators of its own");
        }
        graph.held().forEach(held -> facts.put(held.name(), Fact.constant(held)));
        begin();
        for (Operation operation : graph.operations()) {
            List<Fact> given = new ArrayList<>();
            for (String input : operation.inputs()) {
                // An input that is left out has an empty name.
                given.add(input.isEmpty() ? null : known(operation, input));
            }
            List<Fact> made;
            try {
                made = RowOperators.apply(operation, given, graph.opset());
            } catch (Mixed e) {
                throw new Mixed(label(operation) + " " + e.getMessage());
            }
            for (int i = 0; i < operation.outputs().size(); i++) {
                String output = operation.outputs().get(i);
                if (!output.isEmpty()) {
                    if (i >= made.size()) {
                        throw new Mixed(label(operation) + " gives more than is known to be row by row");
                    }
                    facts.put(output, made.get(i));
                }
            }
        }
        for (Value output : graph.outputs()) {
            Fact fact = facts.get(output.name());
            if (fact == null || !fact.rows()) {
                throw new Mixed("output '" + output.name() + "' does not depend on the rows");
            }
        }
    }

    private Fact known(Operation operation, String input) {
        Fact fact = facts.get(input);
        if (fact == null) {
            throw new Mixed(label(operation) + " takes '" + input + "', which nothing makes before it");
        }
        return fact;
    }

    /** Every input must count the same rows in its first dimension. */
    private void begin() {
        if (graph.inputs().isEmpty()) {
            throw new Mixed("it has no input");
        }
        Value first = graph.inputs().getFirst();
        for (Value input : graph.inputs()) {
            if (!input.shaped() || input.shape().isEmpty() || input.elementType() == 0) {
                throw new Mixed("input '" + input.name() + "' has no dimension that counts rows");
            }
            boolean same = input.shape().getFirst().equals(first.shape().getFirst())
                    && input.symbols().getFirst().equals(first.symbols().getFirst());
            if (!same) {
                throw new Mixed("the first dimensions of inputs '" + first.name() + "' and '" + input.name()
                        + "' are not declared to be the same");
            }
            facts.put(input.name(), Fact.rows(input.elementType(), input.shape()));
        }
    }

    private static String label(Operation operation) {
        return operation.name().isEmpty()
                ? operation.type() + " (making '" + String.join("', '", operation.outputs()) + "')"
                : operation.type() + " '" + operation.name() + "'";
    }
}
