package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Nodes that refuse a run whose operators would fill more memory outside of the allocator of {@link OnnxMemory} than the run has taken of
 * {@link OutsideMemory}. Half of that is for what lasts to the end of a run (labels, maps of scores, sequences), in equal shares for
 * all nodes that make such; the other half for what one operator takes while it works.
 */
final class GraphBounds {
    /** The input of a graph that each run tells its bytes by. */
    static final String BUDGET = GraphGuards.PREFIX + "budget";

    static final String TOP = "TopK";

    private static final String MOST = GraphGuards.PREFIX + "most/";
    private static final Pattern BEYOND = Pattern.compile(Pattern.quote(MOST) + "(\\w+)/(\\d+)/");
    private static final int HALF = 2;
    /** The first version of ONNX's operators with {@code Sign}. */
    private static final long SIGNS = 9;

    private static final String PARTING = "SplitToSequence";

    /**
     * Bytes that an operator takes outside of the allocator for each value, by estimate: of {@code NonZero} also for each dimension;
     * of {@code SplitToSequence} for each part.
     */
    private static final Map<String, Integer> OUTSIDE = Map.of("NonZero", 8, "Unique", 160, PARTING, 512, TOP, 16);

    /** Operators of floats that ONNX Runtime puts quantized ones in the place of, which look at no rank. */
    private static final Set<String> UNFUSED = Set.of("Concat", "Conv", "ConvTranspose");

    private static final String MAPPING = "ZipMap";
    /** What a score takes in a map of its row, and in the copy of that map that is read. */
    private static final int MAPPED = 320;

    private final long opset;
    /** Bytes that a run may take at most. */
    private final long most;
    /** Nodes of the whole model whose results last. */
    private final int shares;

    private final Marks marks;

    /** What is counted through all graphs of a model while its guards are written. */
    static final class Marks {
        private int made;
        private int lasting;
        private boolean budgeted;
        private boolean fixed;
        private boolean dequantized;
        private boolean joined;

        /** Notes a node of the model. */
        void see(Node node) {
            dequantized |= node.type().equals("DequantizeLinear");
            joined |= UNFUSED.contains(node.type());
        }

        /** Whether there are operators whose quantized kernels end the process where ranks do not fit. */
        boolean unfused() {
            return dequantized && joined;
        }

        /** The beginning of names that nobody else has. */
        String next() {
            return GraphGuards.PREFIX + made++ + "/";
        }

        boolean any() {
            return made > 0;
        }

        /** How many guards there are so far. */
        int made() {
            return made;
        }

        /** Nodes whose results last, but for labels. */
        int lasting() {
            return lasting;
        }

        /** Whether the graph asks for {@link #BUDGET}. */
        boolean budgeted() {
            return budgeted;
        }

        /** Whether there are bounds that no run can change. */
        boolean fixed() {
            return fixed;
        }
    }

    /** @param shares nodes of the whole model whose results last */
    GraphBounds(long opset, int shares, Marks marks) {
        this.opset = opset;
        this.most = OutsideMemory.mostOfRun();
        this.shares = Math.max(1, shares);
        this.marks = marks;
    }

    /** What a caller is told of a run that was refused here: an operator, and how many values it takes at most; else empty. */
    static Optional<Matcher> refused(String message) {
        Matcher beyond = BEYOND.matcher(message);
        return beyond.find() ? Optional.of(beyond) : Optional.empty();
    }

    /** Whether a run was refused here. */
    static boolean isRefusal(TidemillException refusal) {
        return refusal.getCause() != null
                && refused(String.valueOf(refusal.getCause().getMessage())).isPresent();
    }

    /** Whether it is an operator that takes memory outside, whatever the graph. */
    static boolean concerns(Node node) {
        return !node.inputs().isEmpty()
                && (node.domain().isEmpty() && OUTSIDE.containsKey(node.type())
                        || node.domain().equals(GraphScope.LEARNED)
                                && node.type().equals(MAPPING));
    }

    /** The nodes instead of one that {@link #concerns} is about. */
    List<ByteString> outside(Node node, ByteString kept, boolean known) throws IOException {
        String own = marks.next();
        String given = node.inputs().getFirst();
        List<ByteString> nodes = new ArrayList<>();
        long bytes = OUTSIDE.getOrDefault(node.type(), 1);
        if (node.type().equals(MAPPING)) {
            bytes = mapped(node);
        }
        nodes.add(GraphNodes.made("Shape", own + "shape", given));
        if (node.type().equals("NonZero")) {
            nodes.add(GraphNodes.made("Size", own + "values", given));
            nodes.add(GraphNodes.made("Size", own + "rank", own + "shape"));
            nodes.add(GraphNodes.made("Mul", own + "count", own + "values", own + "rank"));
        } else {
            nodes.add(GraphNodes.made("Size", own + "count", given));
        }
        boolean lasts = node.type().equals(MAPPING) || node.type().equals(PARTING);
        if (lasts) {
            marks.lasting++;
        }
        long each = bytes * HALF * (lasts ? shares : 1);
        refusing(node.type(), own, each, known, nodes);
        String shape = own + "shape";
        if (node.type().equals(TOP)) {
            shape = someRows(node, own, nodes);
        }
        nodes.add(GraphNodes.made("Add", own + "same", shape, own + "none"));
        nodes.add(GraphNodes.made("Reshape", own + "given", given, own + "same"));
        nodes.add(GraphNodes.rewired(kept, 0, own + "given", ""));
        return nodes;
    }

    /** The labels of a map are copied into each. */
    private static int mapped(Node node) {
        int longest = 0;
        for (Attribute attribute : node.attributes()) {
            for (String text : attribute.texts()) {
                longest = Math.max(longest, text.getBytes(StandardCharsets.UTF_8).length);
            }
        }
        return (int) (MAPPED + 2 * TextPlan.outside(longest));
    }

    /** To ask for the most of no rows ends ONNX Runtime; none of no values may be asked for. */
    private String someRows(Node node, String own, List<ByteString> nodes) throws IOException {
        String rows = own + "count";
        nodes.add(GraphNodes.whole(own + "one", 1, false));
        if (node.inputs().size() > 1) {
            nodes.add(GraphNodes.made("Sign", own + "asked", node.inputs().get(1)));
            nodes.add(GraphNodes.made("Sub", own + "spare", own + "one", own + "asked"));
            nodes.add(GraphNodes.made("Add", own + "rows", own + "count", own + "spare"));
            rows = own + "rows";
        }
        nodes.add(GraphNodes.named("Div", EmptyInputs.NOTHING + TOP + "/" + own, own + "part", own + "one", rows));
        nodes.add(GraphNodes.made("Sub", own + "nothing", own + "part", own + "part"));
        nodes.add(GraphNodes.made("Add", own + "filled", own + "shape", own + "nothing"));
        return own + "filled";
    }

    /** The nodes instead of one that gives labels: the last is that node itself. */
    List<ByteString> labels(Node node, ByteString kept, TextPlan.Bound bound) throws IOException {
        int place =
                switch (bound.count()) {
                    case VALUES, ROWS, BROADCAST, JOINED -> 0;
                    case INDICES, PICKED -> 1;
                };
        if (node.inputs().size() <= place) {
            return List.of(kept);
        }
        String own = marks.next();
        List<ByteString> nodes = new ArrayList<>();
        count(node, own, bound, nodes);
        refusing(node.type(), own, bound.bytes() * HALF * shares, true, nodes);
        nodes.add(GraphNodes.made("Shape", own + "shape", node.inputs().get(place)));
        nodes.add(GraphNodes.made("Add", own + "same", own + "shape", own + "none"));
        nodes.add(GraphNodes.made("Reshape", own + "given", node.inputs().get(place), own + "same"));
        nodes.add(GraphNodes.rewired(kept, place, own + "given", ""));
        return nodes;
    }

    /** How many labels a node gives. */
    private void count(Node node, String own, TextPlan.Bound bound, List<ByteString> nodes) throws IOException {
        List<String> inputs = node.inputs();
        switch (bound.count()) {
            case VALUES -> nodes.add(GraphNodes.made("Size", own + "count", inputs.getFirst()));
            case INDICES -> nodes.add(GraphNodes.made("Size", own + "count", inputs.get(1)));
            case ROWS -> {
                nodes.add(GraphNodes.whole(own + "first", 0, false));
                nodes.add(GraphNodes.made("Shape", own + "sizes", inputs.getFirst()));
                nodes.add(GraphNodes.made("Gather", own + "count", own + "sizes", own + "first"));
            }
            case PICKED -> picked(inputs, own, bound.axis(), nodes);
            case BROADCAST -> {
                String wide = inputs.getFirst();
                for (int i = 1; i < inputs.size(); i++) {
                    nodes.add(GraphNodes.made("Shape", own + "shape" + i, inputs.get(i)));
                    nodes.add(GraphNodes.made("Expand", own + "wide" + i, wide, own + "shape" + i));
                    wide = own + "wide" + i;
                }
                nodes.add(GraphNodes.made("Size", own + "count", wide));
            }
            case JOINED -> joined(inputs, own, bound.inputs(), nodes);
        }
    }

    private void picked(List<String> inputs, String own, long axis, List<ByteString> nodes) throws IOException {
        nodes.add(GraphNodes.whole(own + "axis", axis, false));
        nodes.add(GraphNodes.made("Shape", own + "sizes", inputs.getFirst()));
        nodes.add(GraphNodes.made("Gather", own + "size", own + "sizes", own + "axis"));
        String by = own + "size";
        if (opset == 0 || opset >= SIGNS) {
            // What has no values is divided by 1.
            nodes.add(GraphNodes.whole(own + "one", 1, false));
            nodes.add(GraphNodes.made("Sign", own + "some", own + "size"));
            nodes.add(GraphNodes.made("Sub", own + "spare", own + "one", own + "some"));
            nodes.add(GraphNodes.made("Add", own + "by", own + "size", own + "spare"));
            by = own + "by";
        }
        nodes.add(GraphNodes.made("Size", own + "all", inputs.getFirst()));
        nodes.add(GraphNodes.made("Div", own + "width", own + "all", by));
        nodes.add(GraphNodes.made("Size", own + "indices", inputs.get(1)));
        nodes.add(GraphNodes.made("Mul", own + "count", own + "width", own + "indices"));
    }

    private static void joined(List<String> inputs, String own, int[] places, List<ByteString> nodes)
            throws IOException {
        nodes.add(GraphNodes.whole(own + "sum", 0, false));
        String sum = own + "sum";
        for (int place : places) {
            nodes.add(GraphNodes.made("Size", own + "size" + place, inputs.get(place)));
            nodes.add(GraphNodes.made("Add", own + "sum" + place, sum, own + "size" + place));
            sum = own + "sum" + place;
        }
        nodes.add(GraphNodes.made("Identity", own + "count", sum));
    }

    /**
     * What a count of values takes, divided by what the run may take, is 0, or no place in a list of one value.
     *
     * @param known whether the graph sees its model's inputs
     */
    private void refusing(String type, String own, long each, boolean known, List<ByteString> nodes)
            throws IOException {
        String budget = BUDGET;
        if (known) {
            marks.budgeted = true;
        } else {
            marks.fixed = true;
            budget = own + "budget";
            nodes.add(GraphNodes.whole(budget, most, false));
        }
        nodes.add(GraphNodes.whole(own + "each", each, false));
        nodes.add(GraphNodes.whole(own + "zero", 0, true));
        nodes.add(GraphNodes.made("Mul", own + "bytes", own + "count", own + "each"));
        nodes.add(GraphNodes.made("Div", own + "over", own + "bytes", budget));
        nodes.add(GraphNodes.named(
                "Gather",
                MOST + type + "/" + Math.max(1, most / each) + "/" + own,
                own + "none",
                own + "zero",
                own + "over"));
    }
}
