/** What pipeline steps can do about training. */
@NullMarked
package dev.tidemill.training.steps;

import org.jspecify.annotations.NullMarked;
