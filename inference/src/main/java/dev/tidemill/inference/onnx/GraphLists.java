package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import dev.tidemill.inference.onnx.GraphPart.Node;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Guards around operators that read lists whose length, or number of dimensions, ONNX Runtime 1.29 does not look at: axes of a
 * {@code Reduce...}, the scales and the region of a {@code Resize}, what a {@code Normalizer} is given.
 */
final class GraphLists {
    private static final String RESIZE = "Resize";
    private static final String UPSAMPLE = "Upsample";
    private static final String NORMALIZER = "Normalizer";
    /** More scales than there are dimensions that are resized. */
    private static final int TOO_MANY = 9;

    private static final int REGION = 1;

    private final GraphBounds.Marks marks;

    GraphLists(GraphBounds.Marks marks) {
        this.marks = marks;
    }

    /** Whether it is an operator that reads such a list. */
    static boolean concerns(Node node) {
        boolean own = node.domain().isEmpty();
        return own
                        && (node.type().equals(RESIZE)
                                || node.type().equals(UPSAMPLE)
                                || node.type().startsWith("Reduce"))
                || node.domain().equals(GraphScope.LEARNED) && node.type().equals(NORMALIZER);
    }

    /** The nodes instead of one that {@link #concerns} is about. */
    List<ByteString> guarded(Node node, ByteString kept, GraphRanks ranks) throws IOException {
        List<ByteString> nodes = new ArrayList<>();
        ByteString guarded = kept;
        if (node.type().equals(NORMALIZER)) {
            guarded = ranked(node, 0, guarded, ranks, nodes);
        } else if (node.type().startsWith("Reduce")) {
            guarded = ranked(node, 1, guarded, ranks, nodes);
        } else {
            for (int place = 1; place < node.inputs().size(); place++) {
                boolean region = node.type().equals(RESIZE) && place == REGION;
                guarded = region ? region(node, guarded, nodes) : few(node, place, guarded, ranks, nodes);
            }
        }
        nodes.add(guarded);
        return nodes;
    }

    private static boolean has(Node node, int place) {
        return place < node.inputs().size() && !node.inputs().get(place).isEmpty();
    }

    /** What has no dimension has no first one. */
    private ByteString ranked(Node node, int place, ByteString kept, GraphRanks ranks, List<ByteString> nodes)
            throws IOException {
        if (!has(node, place) || ranks.isList(node.inputs().get(place))) {
            return kept;
        }
        String own = marks.next();
        String given = node.inputs().get(place);
        nodes.add(GraphNodes.whole(own + "place", 0, false));
        nodes.add(GraphNodes.made("Shape", own + "shape", given));
        nodes.add(GraphNodes.made("Gather", own + "first", own + "shape", own + "place"));
        nodes.add(GraphNodes.made("Sub", own + "none", own + "first", own + "first"));
        return same(place, given, own, kept, nodes);
    }

    /** More values than there are dimensions are no place in a list of one value. */
    private ByteString few(Node node, int place, ByteString kept, GraphRanks ranks, List<ByteString> nodes)
            throws IOException {
        if (!has(node, place)) {
            return kept;
        }
        String given = node.inputs().get(place);
        OptionalInt length = ranks.length(given);
        if (length.isPresent() && length.getAsInt() < TOO_MANY) {
            return kept;
        }
        String own = marks.next();
        nodes.add(GraphNodes.whole(own + "most", TOO_MANY, false));
        nodes.add(GraphNodes.whole(own + "zero", 0, true));
        nodes.add(GraphNodes.made("Size", own + "count", given));
        nodes.add(GraphNodes.made("Div", own + "over", own + "count", own + "most"));
        nodes.add(GraphNodes.made("Gather", own + "none", own + "zero", own + "over"));
        nodes.add(GraphNodes.made("Shape", own + "shape", given));
        return same(place, given, own, kept, nodes);
    }

    /** A region has a beginning and an end in each dimension; it is read by one mode alone. */
    private ByteString region(Node node, ByteString kept, List<ByteString> nodes) throws IOException {
        if (!has(node, REGION) || !cropped(node)) {
            return kept;
        }
        String own = marks.next();
        String given = node.inputs().get(REGION);
        nodes.add(GraphNodes.whole(own + "zero", 0, true));
        nodes.add(GraphNodes.made("Shape", own + "sizes", node.inputs().getFirst()));
        nodes.add(GraphNodes.made("Size", own + "rank", own + "sizes"));
        nodes.add(GraphNodes.made("Add", own + "both", own + "rank", own + "rank"));
        nodes.add(GraphNodes.made("Size", own + "count", given));
        nodes.add(GraphNodes.made("Sub", own + "more", own + "count", own + "both"));
        nodes.add(GraphNodes.made("Mul", own + "off", own + "more", own + "more"));
        nodes.add(GraphNodes.made("Gather", own + "none", own + "zero", own + "off"));
        nodes.add(GraphNodes.made("Shape", own + "shape", given));
        return same(REGION, given, own, kept, nodes);
    }

    private static boolean cropped(Node node) {
        return node.attribute("coordinate_transformation_mode")
                .filter(mode -> mode.reference() || mode.text().equals("tf_crop_and_resize"))
                .isPresent();
    }

    private static ByteString same(int place, String given, String own, ByteString kept, List<ByteString> nodes)
            throws IOException {
        nodes.add(GraphNodes.made("Add", own + "same", own + "shape", own + "none"));
        nodes.add(GraphNodes.made("Reshape", own + "given", given, own + "same"));
        return GraphNodes.rewired(kept, place, own + "given", "");
    }
}
