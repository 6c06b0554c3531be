package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.tidemill.inference.onnx.GraphPart.Attribute;
import dev.tidemill.inference.onnx.GraphPart.Held;
import dev.tidemill.inference.onnx.GraphPart.Node;
import java.io.IOException;
import java.util.Set;

/**
 * Whether graphs within others, and functions, may have texts that come from nowhere else: those that they hold, and those of the
 * operators that give texts for numbers. Asked after {@link GraphMemory} has bounded how deep graphs are nested.
 */
final class GraphInnerTexts {
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
