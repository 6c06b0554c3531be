/** Tables. */
@NullMarked
package dev.tidemill.tracking.store;

import org.jspecify.annotations.NullMarked;
