/** Pipeline steps that predict. */
@NullMarked
package dev.tidemill.inference.steps;

import org.jspecify.annotations.NullMarked;
