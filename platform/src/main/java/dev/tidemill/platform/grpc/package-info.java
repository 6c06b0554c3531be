/** Serves the manifest's gRPC methods. */
@NullMarked
package dev.tidemill.platform.grpc;

import org.jspecify.annotations.NullMarked;
