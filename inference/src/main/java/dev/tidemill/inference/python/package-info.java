/** Models that need Python, in supervised child processes of their own. */
@NullMarked
package dev.tidemill.inference.python;

import org.jspecify.annotations.NullMarked;
