/** Tables. */
@NullMarked
package dev.tidemill.artifacts.store;

import org.jspecify.annotations.NullMarked;
