/** Experiments and runs. */
@NullMarked
package dev.tidemill.tracking.domain;

import org.jspecify.annotations.NullMarked;
