/** Logs of steps, as files. */
@NullMarked
package dev.tidemill.pipelines.logs;

import org.jspecify.annotations.NullMarked;
