/** Routes. */
@NullMarked
package dev.tidemill.tracking.api;

import org.jspecify.annotations.NullMarked;
