/** Main and the composition root. */
@NullMarked
package dev.tidemill.app;

import org.jspecify.annotations.NullMarked;
