/** Secrets at rest. */
@NullMarked
package dev.tidemill.platform.secrets;

import org.jspecify.annotations.NullMarked;
