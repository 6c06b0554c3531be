/** The data plane: models loaded and called. */
@NullMarked
package dev.tidemill.inference;

import org.jspecify.annotations.NullMarked;
