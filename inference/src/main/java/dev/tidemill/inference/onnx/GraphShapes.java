package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import dev.tidemill.inference.onnx.GraphBounds.Marks;
import dev.tidemill.inference.onnx.GraphPart.Node;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Nodes that refuse shapes which ONNX Runtime computes with without a look, or hold them within what it computes with safely. */
final class GraphShapes {
    /** A diagonal farther out than any matrix is large. */
    private static final long FARTHEST = 1L << 31;

    private final Marks marks;

    GraphShapes(Marks marks) {
        this.marks = marks;
    }

    /** What has no values is not looked at before ONNX Runtime reads its size in a dimension that it may not have. */
    List<ByteString> joined(Node node, ByteString kept, GraphScope scope) throws IOException {
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

    /** ONNX Runtime reads a matrix as if it were square: the square of how far it is from that is a place in a list of one value. */
    List<ByteString> square(Node node, ByteString kept) throws IOException {
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
    List<ByteString> clamped(Node node, ByteString kept) throws IOException {
        String own = marks.next();
        return List.of(
                GraphNodes.whole(own + "least", -FARTHEST, false),
                GraphNodes.whole(own + "most", FARTHEST, false),
                GraphNodes.made("Max", own + "above", node.inputs().get(1), own + "least"),
                GraphNodes.made("Min", own + "diagonal", own + "above", own + "most"),
                GraphNodes.rewired(kept, 1, own + "diagonal", ""));
    }
}
