/** Routes. */
@NullMarked
package dev.tidemill.artifacts.api;

import org.jspecify.annotations.NullMarked;
