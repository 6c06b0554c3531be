/** Logs, metrics and traces. */
@NullMarked
package dev.tidemill.platform.telemetry;

import org.jspecify.annotations.NullMarked;
