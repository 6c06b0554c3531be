/** Windows, drift, quality by late labels, and the retraining policy. */
@NullMarked
package dev.tidemill.monitoring;

import org.jspecify.annotations.NullMarked;
