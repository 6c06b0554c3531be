/** The Open Inference Protocol. */
@NullMarked
package dev.tidemill.inference.api;

import org.jspecify.annotations.NullMarked;
