/** Models in the ONNX format: trees in plain Java, everything else by ONNX Runtime in this process. */
@NullMarked
package dev.tidemill.inference.onnx;

import org.jspecify.annotations.NullMarked;
