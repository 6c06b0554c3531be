/** OpenTelemetry's protocol for traces, spoken for tracking. */
@NullMarked
package dev.tidemill.wires.otlp;

import org.jspecify.annotations.NullMarked;
