package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Held;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.inference.onnx.GraphPart.Typed;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;

/**
 * Whether graphs within others, and functions, may have texts that come from nowhere else: those that they hold, and those of the
 * operators that give texts for numbers. Asked after {@link GraphMemory} has bounded how deep graphs are nested.
 */
final class GraphInnerTexts {
    private static final int GRAPH = 7;
    private static final int OUTPUT = 12;
    private static final int TEXTS = 8;
    /** Operators that give texts for numbers, if they have texts to give. */
    private static final Set<String> GIVING = Set.of(
            "Constant",
            "LabelEncoder",
            "CategoryMapper",
            "TreeEnsembleClassifier",
            "LinearClassifier",
            "SVMClassifier",
            "ZipMap");

    private GraphInnerTexts() {}

    static boolean of(byte[] model) throws IOException {
        boolean functions = false;
        boolean texts = false;
        boolean given = false;
        CodedInputStream in = CodedInputStream.newInstance(model);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 7 -> {
                    ByteString graph = in.readBytes();
                    texts |= graph(graph, false);
                    given = givesTexts(graph);
                }
                case 25 -> {
                    functions = true;
                    texts |= function(in.readBytes());
                }
                default -> in.skipField(tag);
            }
        }
        return texts || functions && given;
    }

    /** Names of values that the nodes of graphs within others take, or that those graphs give as they are. */
    static Set<String> mentioned(byte[] model) throws IOException {
        Set<String> names = new HashSet<>();
        CodedInputStream in = CodedInputStream.newInstance(model);
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == GRAPH) {
                mentioned(in.readBytes(), false, names);
            } else {
                in.skipField(tag);
            }
        }
        return names;
    }

    private static void mentioned(ByteString graph, boolean inner, Set<String> names) throws IOException {
        CodedInputStream in = graph.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            int number = WireFormat.getTagFieldNumber(tag);
            if (number == 1) {
                Node node = Node.of(in.readBytes());
                if (inner) {
                    names.addAll(node.inputs());
                }
                for (Attribute attribute : node.attributes()) {
                    for (ByteString within : attribute.graphs()) {
                        mentioned(within, true, names);
                    }
                }
            } else if (number == OUTPUT && inner) {
                names.add(Typed.of(in.readBytes()).name());
            } else {
                in.skipField(tag);
            }
        }
    }

    /** Whether a node of the outermost graph holds a tensor of texts, as a call of a function may give it one. */
    private static boolean givesTexts(ByteString graph) throws IOException {
        CodedInputStream in = graph.newCodedInput();
        boolean gives = false;
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 1) {
                for (Attribute attribute : Node.of(in.readBytes()).attributes()) {
                    gives |= holdsTexts(attribute);
                }
            } else {
                in.skipField(tag);
            }
        }
        return gives;
    }

    /** @param inner whether it lies within another, so that its own texts count and not just those further in */
    private static boolean graph(ByteString graph, boolean inner) throws IOException {
        boolean texts = false;
        CodedInputStream in = graph.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 1 -> texts |= node(Node.of(in.readBytes()), inner);
                case 5 -> texts |= Held.of(in.readBytes()).elementType() == TEXTS && inner;
                case 15 -> texts |= sparse(in.readBytes()) && inner;
                default -> in.skipField(tag);
            }
        }
        return texts;
    }

    private static boolean sparse(ByteString sparse) throws IOException {
        boolean texts = false;
        CodedInputStream in = sparse.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (WireFormat.getTagFieldNumber(tag) == 1) {
                texts |= Held.of(in.readBytes()).elementType() == TEXTS;
            } else {
                in.skipField(tag);
            }
        }
        return texts;
    }

    private static boolean function(ByteString function) throws IOException {
        boolean texts = false;
        CodedInputStream in = function.newCodedInput();
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            switch (WireFormat.getTagFieldNumber(tag)) {
                case 7 -> texts |= node(Node.of(in.readBytes()), true);
                case 11 -> texts |= holdsTexts(Attribute.of(in.readBytes()));
                default -> in.skipField(tag);
            }
        }
        return texts;
    }

    private static boolean node(Node node, boolean inner) throws IOException {
        boolean texts = inner && makesTexts(node);
        for (Attribute attribute : node.attributes()) {
            texts |= inner && holdsTexts(attribute);
            for (ByteString graph : attribute.graphs()) {
                texts |= graph(graph, true);
            }
        }
        return texts;
    }

    private static boolean makesTexts(Node node) {
        if (node.type().equals("Cast")) {
            return node.attribute("to")
                    .map(to -> to.reference() || to.whole() == TEXTS)
                    .orElse(false);
        }
        return GIVING.contains(node.type())
                && node.attributes().stream()
                        .anyMatch(one -> one.name().equals("value_string")
                                || one.name().contains("strings")
                                        && (one.reference() || !one.texts().isEmpty()));
    }

    private static boolean holdsTexts(Attribute attribute) throws IOException {
        for (ByteString tensor : attribute.tensors()) {
            if (Held.of(tensor).elementType() == TEXTS) {
                return true;
            }
        }
        return false;
    }
}
