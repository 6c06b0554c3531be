package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import dev.tidemill.inference.onnx.GraphBounds.Marks;
import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Held;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.inference.onnx.GraphPart.Typed;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Puts guards around the operators of a graph that would end the process, or take memory that {@link OnnxMemory} does not see, for
 * some values. ONNX Runtime divides whole numbers with the processor's instruction, which ends the process for the least number
 * divided by -1: those quotients are products instead, which wrap around as everywhere else. Operators that collect their results
 * outside of the allocator are given as many values as fit a part of the limit, and refuse more. Answers stay what they are.
 */
final class GraphGuards {
    /** What the names of everything that is written into a graph here begin with. */
    static final String PREFIX = "tidemill//";

    /** What names of nodes begin with that refuse to compute with nothing. */
    static final String NOTHING = PREFIX + "nothing/";

    private static final Pattern EMPTY = Pattern.compile(Pattern.quote(NOTHING) + "(\\w+)/");
    /** The first version of ONNX's operators with {@code Sign} and {@code Where}. */
    private static final long CHOOSING = 9;

    private static final String FOURIER = "DFT";

    /** Operators that end the process, or never end, where these of their inputs have no value. */
    private static final Map<String, List<Integer>> FILLED = Map.ofEntries(
            Map.entry("Attention", List.of(0, 1, 2)),
            Map.entry("Conv", List.of(1)),
            Map.entry("ConvTranspose", List.of(0, 1)),
            Map.entry("DequantizeLinear", List.of(1, 2)),
            Map.entry(FOURIER, List.of(0)),
            Map.entry("GRU", List.of(0)),
            Map.entry("LSTM", List.of(0)),
            Map.entry("LpNormalization", List.of(0)),
            Map.entry("QLinearConv", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearMatMul", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QuantizeLinear", List.of(1, 2)),
            Map.entry("RNN", List.of(0)),
            Map.entry("RotaryEmbedding", List.of(0, 1, 2)),
            Map.entry("STFT", List.of(2)));

    /** Those of Microsoft, which divide by the width of what they are given, or read its first value. */
    private static final Map<String, List<Integer>> FILLED_OF_MICROSOFT = Map.ofEntries(
            Map.entry("Attention", List.of(0, 1, 2)),
            Map.entry("BiasGelu", List.of(1)),
            Map.entry("DequantizeLinear", List.of(1, 2)),
            Map.entry("DynamicQuantizeLSTM", List.of(0, 8, 9, 10, 11)),
            Map.entry("FastGelu", List.of(1)),
            Map.entry("FusedConv", List.of(1)),
            Map.entry("MultiHeadAttention", List.of(0, 1, 2)),
            Map.entry("QAttention", List.of(0, 1, 3, 4, 6, 7)),
            Map.entry("QEmbedLayerNormalization", List.of(8, 9, 10, 11, 12, 13, 14, 15, 16, 17)),
            Map.entry("QGemm", List.of(1, 2, 4, 5, 7, 8)),
            Map.entry("QLinearAdd", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearAveragePool", List.of(0, 1, 2, 3, 4)),
            Map.entry("QLinearConv", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearGlobalAveragePool", List.of(0, 1, 2, 3, 4)),
            Map.entry("QLinearLeakyRelu", List.of(1, 2, 3, 4)),
            Map.entry("QLinearMul", List.of(1, 2, 4, 5, 6, 7)),
            Map.entry("QLinearSigmoid", List.of(1, 2, 3, 4)),
            Map.entry("QLinearSoftmax", List.of(1, 2, 3, 4)),
            Map.entry("QLinearWhere", List.of(2, 3, 5, 6, 7, 8)),
            Map.entry("QuantizeLinear", List.of(1, 2)),
            Map.entry("RotaryEmbedding", List.of(0, 2, 3)),
            Map.entry("SkipLayerNormalization", List.of(0, 1)),
            Map.entry("SkipSimplifiedLayerNormalization", List.of(0, 1)));

    private static final String JOINED = "QLinearConcat";

    /** A diagonal farther out than any matrix is large. */
    private static final long FARTHEST = 1L << 31;

    private static final String MICROSOFT = "com.microsoft";

    /** A version of ONNX's own operators for models that have none of them. */
    private static final long GUARDING = 13;

    private final long opset;
    private final int shares;
    private final Marks marks;
    private final TextPlan texts;

    private GraphGuards(long opset, int shares, Marks marks, TextPlan texts) {
        this.opset = opset;
        this.shares = shares;
        this.marks = marks;
        this.texts = texts;
    }

    /**
     * A model with its guards.
     *
     * @param model the same bytes if it needs none
     * @param budgeted whether each run tells by {@link GraphBounds#BUDGET} how many bytes it may take outside of the allocator
     * @param fixed whether it has bounds of {@link OutsideMemory#mostOfRun} that no run can change
     * @param unfused whether ONNX Runtime must compute what is between dequantizing and quantizing as it is written
     */
    record Guarded(byte[] model, boolean budgeted, boolean fixed, boolean unfused) {}

    /**
     * Guards a model.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is of a version that cannot be guarded, or has an operator that cannot be
     */
    static Guarded of(byte[] model, TextPlan texts) {
        try {
            var marks = new Marks();
            Guarded guarded = of(model, texts, texts.labelled(), marks);
            // How many share what lasts is known once all are found.
            return marks.lasting() == 0 ? guarded : of(model, texts, texts.labelled() + marks.lasting(), new Marks());
        } catch (IOException e) {
            throw TidemillException.invalid("model", "it is no ONNX model: " + e.getMessage())
                    .causedBy(e);
        }
    }

    private static Guarded of(byte[] model, TextPlan texts, int shares, Marks marks) throws IOException {
        ByteString bytes = UnsafeByteOperations.unsafeWrap(model);
        long opset = opset(bytes, 8);
        var guards = new GraphGuards(opset, shares, marks, texts);
        ByteString guarded = GraphNodes.changed(bytes, (number, part) -> switch (number) {
            case 7 -> guards.outermost(part);
            case 25 -> guards.function(part);
            default -> part;
        });
        if (!marks.any()) {
            return new Guarded(model, false, false, marks.unfused());
        }
        if (opset == 0) {
            guarded = GraphNodes.with(guarded, 8, GraphNodes.opset(GUARDING));
        }
        return new Guarded(guarded.toByteArray(), marks.budgeted(), marks.fixed(), marks.unfused());
    }

    private ByteString outermost(ByteString graph) throws IOException {
        ByteString guarded = graph(graph, GraphScope.outermost(), texts.bounds());
        return marks.budgeted() ? GraphNodes.with(guarded, 11, GraphNodes.input(GraphBounds.BUDGET)) : guarded;
    }

    /** What a caller is told of a run that a guard refused; empty for a run that failed otherwise. */
    static Optional<TidemillException> refusal(Exception failure) {
        String message = String.valueOf(failure.getMessage());
        Matcher empty = EMPTY.matcher(message);
        if (empty.find()) {
            return Optional.of(TidemillException.invalid(
                            "inputs",
                            "The model's operator " + empty.group(1)
                                    + " is given nothing to compute with: a tensor without"
                                    + " any value, or a length of 0")
                    .causedBy(failure));
        }
        return GraphBounds.refused(message)
                .map(beyond -> TidemillException.invalid(
                                "inputs",
                                "The model's operator " + beyond.group(1) + " would take more values than the memory"
                                        + " of this server allows it (" + beyond.group(2) + ")")
                        .remedy("Ask for fewer rows at a time")
                        .causedBy(failure));
    }

    /** The version of ONNX's own operators that a model or a function asks for. */
    private static long opset(ByteString message, int field) throws IOException {
        long opset = 0;
        CodedInputStream in = GraphNodes.reader(message);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) != field) {
                in.skipField(tag);
                continue;
            }
            String domain = "";
            long version = 0;
            CodedInputStream one = in.readBytes().newCodedInput();
            for (int inner = one.readTag(); inner != 0; inner = one.readTag()) {
                switch (WireFormat.getTagFieldNumber(inner)) {
                    case 1 -> domain = one.readString();
                    case 2 -> version = one.readInt64();
                    default -> one.skipField(inner);
                }
            }
            opset = GraphPart.plain(domain).isEmpty() ? Math.max(opset, version) : opset;
        }
        return opset;
    }

    /** @param bounds of labels, by the places of nodes */
    private ByteString graph(ByteString graph, GraphScope scope, Map<Integer, TextPlan.Bound> bounds)
            throws IOException {
        CodedInputStream in = GraphNodes.reader(graph);
        List<Node> nodes = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> nodes.add(Node.of(in.readBytes()));
                case 5 -> {
                    Held held = Held.of(in.readBytes());
                    requireForeign(held.name());
                    scope.hold(held);
                }
                case 11 -> {
                    Typed input = Typed.of(in.readBytes());
                    requireForeign(input.name());
                    scope.input(input);
                }
                case 15 -> requireForeign(sparse(in.readBytes()));
                default -> in.skipField(tag);
            }
        }
        return nodes(graph, 1, nodes, scope, bounds);
    }

    /** The name of a sparse tensor, which is that of its values. */
    private static String sparse(ByteString tensor) throws IOException {
        String name = "";
        CodedInputStream in = tensor.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 1) {
                name = Held.of(in.readBytes()).name();
            } else {
                in.skipField(tag);
            }
        }
        return name;
    }

    /** A guard must see its own values, and no others of their names. */
    private static void requireForeign(String name) {
        if (name.startsWith(PREFIX)) {
            throw TidemillException.invalid(
                    "model",
                    "its value '" + name + "' has a name that this server keeps for itself; rename what begins with "
                            + PREFIX);
        }
    }

    private ByteString function(ByteString function) throws IOException {
        CodedInputStream in = GraphNodes.reader(function);
        List<Node> nodes = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 4 -> requireForeign(in.readString());
                case 7 -> nodes.add(Node.of(in.readBytes()));
                default -> in.skipField(tag);
            }
        }
        long own = opset(function, 9);
        int before = marks.made();
        ByteString guarded = new GraphGuards(own, shares, marks, TextPlan.NONE)
                .nodes(function, 7, nodes, new GraphScope(), Map.of());
        return own == 0 && marks.made() > before ? GraphNodes.with(guarded, 9, GraphNodes.opset(GUARDING)) : guarded;
    }

    /** A graph or function with its nodes guarded; constants come before what is computed. */
    private ByteString nodes(
            ByteString message, int field, List<Node> nodes, GraphScope scope, Map<Integer, TextPlan.Bound> bounds)
            throws IOException {
        nodes.forEach(node -> node.outputs().forEach(GraphGuards::requireForeign));
        nodes.forEach(scope::forget);
        var bytes = ByteString.newOutput(message.size() + 256);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        CodedInputStream in = GraphNodes.reader(message);
        int at = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) != field) {
                in.skipField(tag, out);
                continue;
            }
            Node node = nodes.get(at);
            ByteString kept = in.readBytes();
            if (node.attributes().stream().anyMatch(one -> !one.graphs().isEmpty())) {
                // It becomes a function of ONNX's own around the graph, whose names the graph then sees.
                GraphScope seen = node.type().equals("SequenceMap") ? new GraphScope() : scope;
                kept = GraphNodes.changed(kept, (number, part) -> number == 5 ? attribute(part, seen) : part);
            }
            for (ByteString one : guarded(node, kept, scope, Optional.ofNullable(bounds.get(at)))) {
                out.writeBytes(field, one);
            }
            scope.follow(node);
            at++;
        }
        out.flush();
        return bytes.toByteString();
    }

    private ByteString attribute(ByteString attribute, GraphScope scope) throws IOException {
        return GraphNodes.changed(
                attribute,
                (number, part) -> number == 6 || number == 11 ? graph(part, new GraphScope(scope), Map.of()) : part);
    }

    private List<ByteString> guarded(Node node, ByteString kept, GraphScope scope, Optional<TextPlan.Bound> labels)
            throws IOException {
        if (labels.isEmpty()) {
            return guarded(node, kept, scope);
        }
        List<ByteString> nodes = new ArrayList<>(bounds().labels(node, kept, labels.get()));
        ByteString bounded = nodes.removeLast();
        nodes.addAll(guarded(Node.of(bounded), bounded, scope));
        return nodes;
    }

    private GraphBounds bounds() {
        return new GraphBounds(opset, shares, marks);
    }

    private List<ByteString> guarded(Node node, ByteString kept, GraphScope scope) throws IOException {
        GraphRefusals.require(node);
        if (node.domain().equals(GraphScope.LEARNED)) {
            GraphTrees.check(node);
        }
        marks.see(node);
        if (GraphBounds.concerns(node)) {
            return bounds().outside(node, kept, scope.seesInputs());
        }
        if (node.domain().equals(MICROSOFT)) {
            if (node.type().equals("Trilu")) {
                throw TidemillException.invalid(
                        "model",
                        "its node " + node.label() + " is the Trilu of " + MICROSOFT
                                + ", which ends ONNX Runtime for some"
                                + " diagonals; export the model with ONNX's own, which is of version 14 (opset_version)");
            }
            return node.type().equals("Inverse") && !node.inputs().isEmpty()
                    ? square(node, kept)
                    : filled(kept, node, filledOfMicrosoft(node), scope);
        }
        if (GraphLists.concerns(node)) {
            return new GraphLists(marks).guarded(node, kept, scope.ranks());
        }
        if (node.type().equals("FeatureVectorizer")) {
            return filled(
                    kept, node, IntStream.range(0, node.inputs().size()).boxed().toList(), scope);
        }
        if (!node.domain().isEmpty()) {
            return List.of(kept);
        }
        if (node.type().equals(FOURIER) && isSet(node, "inverse") && isSet(node, "onesided")) {
            throw TidemillException.invalid(
                    "model",
                    "its node " + node.label() + " is a DFT that is both inverse and one-sided, which ONNX Runtime does"
                            + " not end for some lengths; export the model with the whole spectrum (onesided=0)");
        }
        if (node.type().equals("Concat")) {
            return joined(node, kept, scope);
        }
        if (node.type().equals("STFT")) {
            return framed(node, kept, scope);
        }
        if (FILLED.containsKey(node.type())) {
            return filled(kept, node, FILLED.getOrDefault(node.type(), List.of()), scope);
        }
        if (node.type().equals("Trilu") && node.inputs().size() > 1) {
            return clamped(node, kept);
        }
        boolean remainder = node.type().equals("Mod");
        if (remainder || node.type().equals("Div")) {
            boolean floating = node.attribute("fmod").map(Attribute::whole).orElse(0L) != 0;
            return node.inputs().size() != 2
                            || node.outputs().size() != 1
                            || remainder && floating
                            || !scope.mayEndTheProcess(node)
                    ? List.of(kept)
                    : quotient(node, kept, remainder);
        }
        return List.of(kept);
    }

    /** Without constants, whose type would have to be known: -1 is the one number that is its own sign and less than its square. */
    private List<ByteString> quotient(Node node, ByteString kept, boolean remainder) throws IOException {
        if (opset < CHOOSING) {
            throw TidemillException.invalid(
                    "model",
                    "its node " + node.label()
                            + " may divide whole numbers by -1, which ends ONNX Runtime for the least"
                            + " of them; version " + opset + " of ONNX's operators has no way to guard it: export the"
                            + " model for version " + CHOOSING + " or later (opset_version)");
        }
        String own = marks.next();
        String by = node.inputs().get(1);
        List<ByteString> nodes = new ArrayList<>(List.of(
                GraphNodes.made("Sign", own + "sign", by),
                GraphNodes.made("Mul", own + "square", own + "sign", own + "sign"),
                // Equal takes no floats before version 11.
                GraphNodes.made("Less", own + "lower", by, own + "sign"),
                GraphNodes.made("Greater", own + "higher", by, own + "sign"),
                GraphNodes.made("Or", own + "other", own + "lower", own + "higher"),
                GraphNodes.made("Not", own + "unit", own + "other"),
                GraphNodes.made("Less", own + "negative", own + "sign", own + "square"),
                GraphNodes.made("And", own + "minus", own + "unit", own + "negative"),
                GraphNodes.made("Where", own + "divisor", own + "minus", own + "square", by)));
        if (remainder) {
            nodes.add(GraphNodes.rewired(kept, 1, own + "divisor", ""));
            return nodes;
        }
        nodes.add(GraphNodes.rewired(kept, 1, own + "divisor", own + "quotient"));
        nodes.add(GraphNodes.made("Mul", own + "product", node.inputs().getFirst(), by));
        nodes.add(
                GraphNodes.made("Where", node.outputs().getFirst(), own + "minus", own + "product", own + "quotient"));
        return nodes;
    }

    private static List<Integer> filledOfMicrosoft(Node node) {
        if (!node.type().equals(JOINED)) {
            return FILLED_OF_MICROSOFT.getOrDefault(node.type(), List.of());
        }
        // Those of the answer, and of each tensor after it.
        return IntStream.range(0, node.inputs().size())
                .filter(place -> place < 2 || place % 3 != 2)
                .boxed()
                .toList();
    }

    private static boolean isSet(Node node, String attribute) {
        return node.attribute(attribute)
                .map(given -> given.reference() || given.whole() != 0)
                .orElse(false);
    }

    /** Inputs without any value end ONNX Runtime here: they are refused by a division of our own, which is an error. */
    private List<ByteString> filled(ByteString kept, Node node, List<Integer> places, GraphScope scope)
            throws IOException {
        List<ByteString> nodes = new ArrayList<>();
        ByteString guarded = kept;
        for (int place : places) {
            if (place >= node.inputs().size()
                    || node.inputs().get(place).isEmpty()
                    || scope.isFilled(node.inputs().get(place))) {
                continue;
            }
            String given = node.inputs().get(place);
            String own = marks.next();
            // A window is a list: what has no dimension ends ONNX Runtime, and has no first one here.
            nodes.addAll(
                    node.type().equals("STFT")
                            ? List.of(
                                    GraphNodes.whole(own + "first", 0, false),
                                    GraphNodes.made("Shape", own + "sizes", given),
                                    GraphNodes.made("Gather", own + "values", own + "sizes", own + "first"))
                            : List.of(GraphNodes.made("Size", own + "values", given)));
            nodes.addAll(List.of(
                    GraphNodes.whole(own + "one", 1, false),
                    GraphNodes.named(
                            "Div", NOTHING + node.type() + "/" + own, own + "part", own + "one", own + "values"),
                    GraphNodes.made("Sub", own + "none", own + "part", own + "part"),
                    GraphNodes.made("Shape", own + "shape", given),
                    GraphNodes.made("Add", own + "same", own + "shape", own + "none"),
                    GraphNodes.made("Reshape", own + "given", given, own + "same")));
            guarded = GraphNodes.rewired(guarded, place, own + "given", "");
        }
        nodes.add(guarded);
        return nodes;
    }

    /** What has no values is not looked at before ONNX Runtime reads its size in a dimension that it may not have. */
    private List<ByteString> joined(Node node, ByteString kept, GraphScope scope) throws IOException {
        List<String> inputs = node.inputs();
        boolean first = node.attribute("axis")
                .map(axis -> !axis.reference() && axis.whole() == 0)
                .orElse(false);
        if (first || inputs.size() < 2 || scope.areOfOneRank(inputs)) {
            return List.of(kept);
        }
        String own = marks.next();
        List<ByteString> nodes = new ArrayList<>(List.of(
                GraphNodes.whole(own + "zero", 0, true),
                GraphNodes.made("Shape", own + "shape", inputs.getFirst()),
                GraphNodes.made("Size", own + "rank", own + "shape")));
        String same = own + "shape";
        for (int i = 1; i < inputs.size(); i++) {
            String other = own + i;
            nodes.add(GraphNodes.made("Shape", other + "shape", inputs.get(i)));
            nodes.add(GraphNodes.made("Size", other + "rank", other + "shape"));
            nodes.add(GraphNodes.made("Sub", other + "more", other + "rank", own + "rank"));
            nodes.add(GraphNodes.made("Mul", other + "off", other + "more", other + "more"));
            nodes.add(GraphNodes.made("Gather", other + "none", own + "zero", other + "off"));
            nodes.add(GraphNodes.made("Add", other + "same", same, other + "none"));
            same = other + "same";
        }
        nodes.add(GraphNodes.made("Reshape", own + "given", inputs.getFirst(), same));
        nodes.add(GraphNodes.rewired(kept, 0, own + "given", ""));
        return nodes;
    }

    /** ONNX Runtime divides by the length of a frame: one of 0 is divided by itself before, which is an error. */
    private List<ByteString> framed(Node node, ByteString kept, GraphScope scope) throws IOException {
        int place = 3;
        List<Integer> window = FILLED.getOrDefault(node.type(), List.of());
        if (node.inputs().size() <= place || node.inputs().get(place).isEmpty()) {
            return filled(kept, node, window, scope);
        }
        String own = marks.next();
        String length = node.inputs().get(place);
        List<ByteString> nodes = new ArrayList<>(List.of(
                GraphNodes.named("Div", NOTHING + node.type() + "/" + own, own + "unit", length, length),
                GraphNodes.made("Mul", own + "length", length, own + "unit")));
        nodes.addAll(filled(GraphNodes.rewired(kept, place, own + "length", ""), node, window, scope));
        return nodes;
    }

    /** ONNX Runtime reads a matrix as if it were square: the square of how far it is from that is a place in a list of one value. */
    private List<ByteString> square(Node node, ByteString kept) throws IOException {
        String own = marks.next();
        String given = node.inputs().getFirst();
        return List.of(
                GraphNodes.whole(own + "last", -1, false),
                GraphNodes.whole(own + "before", -2, false),
                GraphNodes.whole(own + "zero", 0, true),
                GraphNodes.made("Shape", own + "shape", given),
                GraphNodes.made("Gather", own + "columns", own + "shape", own + "last"),
                GraphNodes.made("Gather", own + "rows", own + "shape", own + "before"),
                GraphNodes.made("Sub", own + "difference", own + "columns", own + "rows"),
                GraphNodes.made("Mul", own + "off", own + "difference", own + "difference"),
                GraphNodes.made("Gather", own + "none", own + "zero", own + "off"),
                GraphNodes.made("Add", own + "same", own + "shape", own + "none"),
                GraphNodes.made("Reshape", own + "given", given, own + "same"),
                GraphNodes.rewired(kept, 0, own + "given", ""));
    }

    /** The diagonal of a {@code Trilu}, which ONNX Runtime adds to without a look, stays within what a matrix can have. */
    private List<ByteString> clamped(Node node, ByteString kept) throws IOException {
        String own = marks.next();
        return List.of(
                GraphNodes.whole(own + "least", -FARTHEST, false),
                GraphNodes.whole(own + "most", FARTHEST, false),
                GraphNodes.made("Max", own + "above", node.inputs().get(1), own + "least"),
                GraphNodes.made("Min", own + "diagonal", own + "above", own + "most"),
                GraphNodes.rewired(kept, 1, own + "diagonal", ""));
    }
}
