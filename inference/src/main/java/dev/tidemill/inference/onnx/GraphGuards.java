package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.UnsafeByteOperations;
import com.google.protobuf.WireFormat;
import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Puts guards around the operators of a graph that would end the process, or take memory that {@link OnnxMemory} does not see, for
 * some values. ONNX Runtime divides whole numbers with the processor's instruction, which ends the process for the least number
 * divided by -1: those quotients are products instead, which wrap around as everywhere else. Operators that collect their results
 * outside of the allocator are given as many values as fit a part of the limit, and refuse more. Answers stay what they are.
 */
final class GraphGuards {
    private static final String PREFIX = "tidemill//";
    private static final String MOST = PREFIX + "most/";
    private static final String NOTHING = PREFIX + "nothing/";
    private static final Pattern EMPTY = Pattern.compile(Pattern.quote(NOTHING) + "(\\w+)/");
    private static final Pattern BEYOND = Pattern.compile(Pattern.quote(MOST) + "(\\w+)/(\\d+)/");
    /** The first version of ONNX's operators with {@code Sign} and {@code Where}. */
    private static final long CHOOSING = 9;

    private static final String TOP = "TopK";

    /**
     * Bytes that an operator takes outside of the allocator for each value, by estimate: of {@code NonZero} also for each dimension;
     * of {@code SplitToSequence} for each part.
     */
    private static final Map<String, Integer> OUTSIDE =
            Map.of("NonZero", 8, "Unique", 160, "SplitToSequence", 512, TOP, 16);

    private static final String FOURIER = "DFT";

    /** Operators that end the process, or never end, where these of their inputs have no value. */
    private static final Map<String, List<Integer>> FILLED = Map.ofEntries(
            Map.entry("Attention", List.of(0, 1, 2)),
            Map.entry("Conv", List.of(1)),
            Map.entry("ConvTranspose", List.of(0, 1)),
            Map.entry(FOURIER, List.of(0)),
            Map.entry("GRU", List.of(0)),
            Map.entry("LSTM", List.of(0)),
            Map.entry("LpNormalization", List.of(0)),
            Map.entry("QuantizeLinear", List.of(1)),
            Map.entry("RNN", List.of(0)),
            Map.entry("STFT", List.of(2)));

    /** Those of Microsoft, which divide by the width of what they are given, or read its first value. */
    private static final Map<String, List<Integer>> FILLED_OF_MICROSOFT = Map.ofEntries(
            Map.entry("Attention", List.of(0, 1)),
            Map.entry("BiasGelu", List.of(1)),
            Map.entry("BifurcationDetector", List.of(0, 1, 2)),
            Map.entry("DecoderMaskedMultiHeadAttention", List.of(0, 1, 2)),
            Map.entry("DynamicQuantizeLSTM", List.of(0)),
            Map.entry("FastGelu", List.of(1)),
            Map.entry("FusedConv", List.of(1)),
            Map.entry("GroupQueryAttention", List.of(0)),
            Map.entry("MoE", List.of(0)),
            Map.entry("MultiHeadAttention", List.of(0, 1, 2)),
            Map.entry("QAttention", List.of(0, 1)),
            Map.entry("QLinearAveragePool", List.of(0)),
            Map.entry("QMoE", List.of(0)),
            Map.entry("SparseAttention", List.of(0)));

    /** More heads than any model has: ONNX Runtime multiplies by them without a look. */
    private static final long MOST_HEADS = 1 << 16;
    /** A diagonal farther out than any matrix is large. */
    private static final long FARTHEST = 1L << 31;

    private static final String MICROSOFT = "com.microsoft";

    private final long opset;
    private final long budget;
    private final int[] made;

    private GraphGuards(long opset, long budget, int[] made) {
        this.opset = opset;
        this.budget = budget;
        this.made = made;
    }

    /**
     * The model with its guards; the same bytes if it needs none.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is of a version that cannot be guarded
     */
    static byte[] of(byte[] model) {
        ByteString bytes = UnsafeByteOperations.unsafeWrap(model);
        int[] made = new int[1];
        try {
            long opset = opset(bytes, 8);
            var guards = new GraphGuards(opset, OnnxMemory.limit() / OnnxMemory.PART, made);
            ByteString guarded = guards.changed(bytes, (number, part) -> switch (number) {
                case 7 -> guards.graph(part, new GraphScope(), true);
                case 25 -> guards.function(part);
                default -> part;
            });
            return made[0] == 0 ? model : guarded.toByteArray();
        } catch (IOException e) {
            throw TidemillException.invalid("model", "it is no ONNX model: " + e.getMessage())
                    .causedBy(e);
        }
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
        Matcher beyond = BEYOND.matcher(message);
        return beyond.find()
                ? Optional.of(TidemillException.invalid(
                                "inputs",
                                "The model's operator " + beyond.group(1) + " would take more values than the memory"
                                        + " of this server allows it (" + beyond.group(2) + ")")
                        .remedy("Ask for fewer rows at a time")
                        .causedBy(failure))
                : Optional.empty();
    }

    private interface Change {
        ByteString of(int field, ByteString part) throws IOException;
    }

    /** A message with its messages and texts changed. */
    private ByteString changed(ByteString message, Change change) throws IOException {
        var bytes = ByteString.newOutput(message.size() + 256);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        CodedInputStream in = reader(message);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                int number = WireFormat.getTagFieldNumber(tag);
                out.writeBytes(number, change.of(number, in.readBytes()));
            } else {
                in.skipField(tag, out);
            }
        }
        out.flush();
        return bytes.toByteString();
    }

    private static CodedInputStream reader(ByteString message) {
        CodedInputStream in = message.newCodedInput();
        in.enableAliasing(true);
        return in;
    }

    /** The version of ONNX's own operators that a model or a function asks for. */
    private static long opset(ByteString message, int field) throws IOException {
        long opset = 0;
        CodedInputStream in = reader(message);
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

    /** @param outermost whether what it is given is of the types that it tells, as ONNX Runtime makes sure */
    private ByteString graph(ByteString graph, GraphScope scope, boolean outermost) throws IOException {
        CodedInputStream in = reader(graph);
        List<Node> nodes = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> nodes.add(Node.of(in.readBytes()));
                case 5 -> scope.hold(GraphPart.Held.of(in.readBytes()));
                case 11 -> scope.input(GraphPart.Typed.of(in.readBytes()), outermost);
                case 15 -> in.skipField(tag);
                default -> in.skipField(tag);
            }
        }
        return nodes(graph, 1, nodes, scope);
    }

    private ByteString function(ByteString function) throws IOException {
        CodedInputStream in = reader(function);
        List<Node> nodes = new ArrayList<>();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 7) {
                nodes.add(Node.of(in.readBytes()));
            } else {
                in.skipField(tag);
            }
        }
        return new GraphGuards(opset(function, 9), budget, made).nodes(function, 7, nodes, new GraphScope());
    }

    /** A graph or function with its nodes guarded; constants come before what is computed. */
    private ByteString nodes(ByteString message, int field, List<Node> nodes, GraphScope scope) throws IOException {
        nodes.forEach(scope::forget);
        var bytes = ByteString.newOutput(message.size() + 256);
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        CodedInputStream in = reader(message);
        int at = 0;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) != field) {
                in.skipField(tag, out);
                continue;
            }
            Node node = nodes.get(at++);
            ByteString kept = in.readBytes();
            if (node.attributes().stream().anyMatch(one -> !one.graphs().isEmpty())) {
                // It becomes a function of ONNX's own around the graph, whose names the graph then sees.
                GraphScope seen = node.type().equals("SequenceMap") ? new GraphScope() : scope;
                kept = changed(kept, (number, part) -> number == 5 ? attribute(part, seen) : part);
            }
            for (ByteString one : guarded(node, kept, scope)) {
                out.writeBytes(field, one);
            }
            scope.follow(node);
        }
        out.flush();
        return bytes.toByteString();
    }

    private ByteString attribute(ByteString attribute, GraphScope scope) throws IOException {
        return changed(
                attribute,
                (number, part) -> number == 6 || number == 11 ? graph(part, new GraphScope(scope), false) : part);
    }

    private List<ByteString> guarded(Node node, ByteString kept, GraphScope scope) throws IOException {
        GraphRefusals.require(node);
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
                    : filled(kept, node, FILLED_OF_MICROSOFT.getOrDefault(node.type(), List.of()), scope);
        }
        if (!node.domain().isEmpty()) {
            return List.of(kept);
        }
        if (node.type().equals("Attention")) {
            headed(node);
        }
        if (node.type().equals(FOURIER) && isSet(node, "inverse") && isSet(node, "onesided")) {
            throw TidemillException.invalid(
                    "model",
                    "its node " + node.label() + " is a DFT that is both inverse and one-sided, which ONNX Runtime does"
                            + " not end for some lengths; export the model with the whole spectrum (onesided=0)");
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
        return OUTSIDE.containsKey(node.type()) && !node.inputs().isEmpty() ? bounded(node, kept) : List.of(kept);
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
        String own = PREFIX + made[0]++ + "/";
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
            nodes.add(rewired(kept, 1, own + "divisor", ""));
            return nodes;
        }
        nodes.add(rewired(kept, 1, own + "divisor", own + "quotient"));
        nodes.add(GraphNodes.made("Mul", own + "product", node.inputs().getFirst(), by));
        nodes.add(
                GraphNodes.made("Where", node.outputs().getFirst(), own + "minus", own + "product", own + "quotient"));
        return nodes;
    }

    /** ONNX Runtime divides by the number of heads. */
    private static void headed(Node node) {
        for (String name : List.of("q_num_heads", "kv_num_heads")) {
            Optional<Attribute> heads = node.attribute(name);
            if (heads.isPresent()
                    && (heads.get().reference()
                            || heads.get().whole() < 1
                            || heads.get().whole() > MOST_HEADS)) {
                throw TidemillException.invalid(
                        "model",
                        "its node " + node.label() + " has a " + name + " that is no number from 1 to " + MOST_HEADS);
            }
        }
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
            String own = PREFIX + made[0]++ + "/";
            nodes.addAll(List.of(
                    GraphNodes.whole(own + "one", 1, false),
                    GraphNodes.made("Size", own + "values", given),
                    GraphNodes.named(
                            "Div", NOTHING + node.type() + "/" + own, own + "part", own + "one", own + "values"),
                    GraphNodes.made("Sub", own + "none", own + "part", own + "part"),
                    GraphNodes.made("Shape", own + "shape", given),
                    GraphNodes.made("Add", own + "same", own + "shape", own + "none"),
                    GraphNodes.made("Reshape", own + "given", given, own + "same")));
            guarded = rewired(guarded, place, own + "given", "");
        }
        nodes.add(guarded);
        return nodes;
    }

    /** ONNX Runtime divides by the length of a frame: one of 0 is divided by itself before, which is an error. */
    private List<ByteString> framed(Node node, ByteString kept, GraphScope scope) throws IOException {
        int place = 3;
        List<Integer> window = FILLED.getOrDefault(node.type(), List.of());
        if (node.inputs().size() <= place || node.inputs().get(place).isEmpty()) {
            return filled(kept, node, window, scope);
        }
        String own = PREFIX + made[0]++ + "/";
        String length = node.inputs().get(place);
        List<ByteString> nodes = new ArrayList<>(List.of(
                GraphNodes.named("Div", NOTHING + node.type() + "/" + own, own + "unit", length, length),
                GraphNodes.made("Mul", own + "length", length, own + "unit")));
        nodes.addAll(filled(rewired(kept, place, own + "length", ""), node, window, scope));
        return nodes;
    }

    /** ONNX Runtime reads a matrix as if it were square: the square of how far it is from that is a place in a list of one value. */
    private List<ByteString> square(Node node, ByteString kept) throws IOException {
        String own = PREFIX + made[0]++ + "/";
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
                rewired(kept, 0, own + "given", ""));
    }

    /** The diagonal of a {@code Trilu}, which ONNX Runtime adds to without a look, stays within what a matrix can have. */
    private List<ByteString> clamped(Node node, ByteString kept) throws IOException {
        String own = PREFIX + made[0]++ + "/";
        return List.of(
                GraphNodes.whole(own + "least", -FARTHEST, false),
                GraphNodes.whole(own + "most", FARTHEST, false),
                GraphNodes.made("Max", own + "above", node.inputs().get(1), own + "least"),
                GraphNodes.made("Min", own + "diagonal", own + "above", own + "most"),
                rewired(kept, 1, own + "diagonal", ""));
    }

    /** The number of values divided by the most is 0, or no place in a list of one value. */
    private List<ByteString> bounded(Node node, ByteString kept) throws IOException {
        String own = PREFIX + made[0]++ + "/";
        String given = node.inputs().getFirst();
        long most = Math.max(1, budget / OUTSIDE.getOrDefault(node.type(), 1));
        List<ByteString> nodes = new ArrayList<>(List.of(
                GraphNodes.whole(own + "most", most, false),
                GraphNodes.whole(own + "zero", 0, true),
                GraphNodes.made("Shape", own + "shape", given)));
        switch (node.type()) {
            case "NonZero" -> {
                nodes.add(GraphNodes.made("Size", own + "values", given));
                nodes.add(GraphNodes.made("Size", own + "rank", own + "shape"));
                nodes.add(GraphNodes.made("Mul", own + "count", own + "values", own + "rank"));
            }
            default -> nodes.add(GraphNodes.made("Size", own + "count", given));
        }
        nodes.add(GraphNodes.made("Div", own + "over", own + "count", own + "most"));
        nodes.add(GraphNodes.named(
                "Gather", MOST + node.type() + "/" + most + "/" + own, own + "none", own + "zero", own + "over"));
        String shape = own + "shape";
        if (node.type().equals(TOP)) {
            // To ask for the most of no rows ends ONNX Runtime; none of no values may be asked for.
            String rows = own + "count";
            if (node.inputs().size() > 1) {
                nodes.add(GraphNodes.whole(own + "one", 1, false));
                nodes.add(GraphNodes.made("Sign", own + "asked", node.inputs().get(1)));
                nodes.add(GraphNodes.made("Sub", own + "spare", own + "one", own + "asked"));
                nodes.add(GraphNodes.made("Add", own + "rows", own + "count", own + "spare"));
                rows = own + "rows";
            }
            nodes.add(GraphNodes.named("Div", NOTHING + TOP + "/" + own, own + "part", own + "most", rows));
            nodes.add(GraphNodes.made("Sub", own + "nothing", own + "part", own + "part"));
            nodes.add(GraphNodes.made("Add", own + "filled", shape, own + "nothing"));
            shape = own + "filled";
        }
        nodes.add(GraphNodes.made("Add", own + "same", shape, own + "none"));
        nodes.add(GraphNodes.made("Reshape", own + "given", given, own + "same"));
        nodes.add(rewired(kept, 0, own + "given", ""));
        return nodes;
    }

    /** A node that takes another value at a place, and gives its own under another name, unless that is empty. */
    private ByteString rewired(ByteString node, int place, String input, String output) throws IOException {
        int[] at = new int[1];
        return changed(node, (number, part) -> {
            if (number == 1 && at[0]++ == place) {
                return ByteString.copyFromUtf8(input);
            }
            return number == 2 && !output.isEmpty() ? ByteString.copyFromUtf8(output) : part;
        });
    }
}
