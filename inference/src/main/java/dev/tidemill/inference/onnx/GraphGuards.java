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

/**
 * Puts guards around the operators of a graph that would end the process, or take memory that {@link OnnxMemory} does not see, for
 * some values. ONNX Runtime divides whole numbers with the processor's instruction, which ends the process for the least number
 * divided by -1: those quotients are products instead, which wrap around as everywhere else. Operators that collect their results
 * outside of the allocator are given as many values as fit a part of the limit, and refuse more. Answers stay what they are.
 */
final class GraphGuards {
    /** What the names of everything that is written into a graph here begin with. */
    static final String PREFIX = "tidemill//";

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
        Optional<String> empty = EmptyInputs.refused(message);
        if (empty.isPresent()) {
            return Optional.of(TidemillException.invalid(
                            "inputs",
                            "The model's operator " + empty.get()
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
                    ? new GraphShapes(marks).square(node, kept)
                    : new EmptyInputs(marks).guarded(node, kept, scope);
        }
        if (GraphLists.concerns(node)) {
            return new GraphLists(marks).guarded(node, kept, scope.ranks());
        }
        if (EmptyInputs.concerns(node)) {
            return new EmptyInputs(marks).guarded(node, kept, scope);
        }
        if (!node.domain().isEmpty()) {
            return List.of(kept);
        }
        if (node.type().equals("Concat")) {
            return new GraphShapes(marks).joined(node, kept, scope);
        }
        if (node.type().equals("Trilu") && node.inputs().size() > 1) {
            return new GraphShapes(marks).clamped(node, kept);
        }
        boolean remainder = node.type().equals("Mod");
        if (remainder || node.type().equals("Div")) {
            boolean floating = node.attribute("fmod").map(Attribute::whole).orElse(0L) != 0;
            return node.inputs().size() != 2
                            || node.outputs().size() != 1
                            || remainder && floating
                            || !scope.mayEndTheProcess(node)
                    ? List.of(kept)
                    : new WholeQuotients(opset, marks).guarded(node, kept, remainder);
        }
        return List.of(kept);
    }
}
