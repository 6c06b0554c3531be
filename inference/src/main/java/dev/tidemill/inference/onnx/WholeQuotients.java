package dev.tidemill.inference.onnx;

import com.google.protobuf.ByteString;
import dev.tidemill.inference.onnx.GraphBounds.Marks;
import dev.tidemill.inference.onnx.GraphPart.Node;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Quotients and remainders of whole numbers without the one that ends the process: the least number divided by -1. Where the divisor
 * is -1 the quotient is a product, which wraps around as everywhere else, and the remainder is that by 1.
 */
final class WholeQuotients {
    /** The first version of ONNX's operators with {@code Sign} and {@code Where}. */
    private static final long CHOOSING = 9;

    private final long opset;
    private final Marks marks;

    /** @param opset the version of ONNX's operators that the graph asks for */
    WholeQuotients(long opset, Marks marks) {
        this.opset = opset;
        this.marks = marks;
    }

    /**
     * The node with its guard.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a version of ONNX's operators that has no way to write it
     */
    List<ByteString> guarded(Node node, ByteString kept, boolean remainder) throws IOException {
        if (opset < CHOOSING) {
            throw TidemillException.invalid(
                    "model",
                    "its node " + node.label()
                            + " may divide whole numbers by -1, which ends ONNX Runtime for the least"
                            + " of them; version " + opset + " of ONNX's operators has no way to guard it: export the"
                            + " model for version " + CHOOSING + " or later (opset_version)");
        }
        // Without constants, whose type would have to be known: -1 is the one number that is its own sign and less than
        // its square.
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
}
