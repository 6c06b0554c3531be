/**
 * How models are called: the Open Inference Protocol over REST and gRPC with Triton's and MLServer's repository and statistics, its
 * older form {@code /v1}, and rows as MLflow's scoring server takes them.
 */
@NullMarked
package dev.tidemill.wires.oip;

import org.jspecify.annotations.NullMarked;
