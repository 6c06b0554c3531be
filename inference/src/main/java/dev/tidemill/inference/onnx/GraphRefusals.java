package dev.tidemill.inference.onnx;

import dev.tidemill.platform.errors.TidemillException;
import java.util.Set;

/**
 * Operators that ONNX Runtime adds for itself and writes only into models that it has optimized and saved. Their kernels do not look
 * whether shapes fit each other, and end the process where they do not (seen with ONNX Runtime 1.29): a model is to be registered as
 * it was before it was optimized.
 */
final class GraphRefusals {
    /** Blocked layouts of convolutions for one kind of processor. */
    private static final String BLOCKED = "com.microsoft.nchwc";

    private static final String FUSED_PRODUCT = "FusedMatMul";
    private static final Set<String> QUANTIZED_PRODUCTS = Set.of("DynamicQuantizeMatMul", "MatMulIntegerToFloat");

    private GraphRefusals() {}

    /** @throws TidemillException {@code INVALID_ARGUMENT} naming the node, if it is one of these */
    static void require(GraphPart.Node node) {
        boolean refused = node.domain().equals(BLOCKED)
                || node.domain().equals("com.microsoft")
                        && (QUANTIZED_PRODUCTS.contains(node.type())
                                || node.type().equals(FUSED_PRODUCT)
                                        && (isSet(node, "transBatchA") || isSet(node, "transBatchB")));
        if (refused) {
            throw TidemillException.invalid(
                    "model",
                    "its node " + node.label() + " is the operator " + node.type() + " of " + node.domain()
                            + ", which ends ONNX Runtime where its inputs do not fit each other; register the model as it"
                            + " was before ONNX Runtime optimized and saved it");
        }
    }

    private static boolean isSet(GraphPart.Node node, String attribute) {
        return node.attribute(attribute)
                .map(given -> given.reference() || given.whole() != 0)
                .orElse(false);
    }
}
