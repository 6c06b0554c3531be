/** Experiments, runs, params, metrics. */
@NullMarked
package dev.tidemill.tracking;

import org.jspecify.annotations.NullMarked;
