/** Models loaded from their folders. */
@NullMarked
package dev.tidemill.inference.runtime;

import org.jspecify.annotations.NullMarked;
