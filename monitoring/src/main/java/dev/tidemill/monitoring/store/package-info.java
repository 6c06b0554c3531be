/** Tables. */
@NullMarked
package dev.tidemill.monitoring.store;

import org.jspecify.annotations.NullMarked;
