/** Coded errors: the only way a request is refused. */
@NullMarked
package dev.tidemill.platform.errors;

import org.jspecify.annotations.NullMarked;
