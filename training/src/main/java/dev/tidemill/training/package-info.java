/** Built-in trainers and evaluators. */
@NullMarked
package dev.tidemill.training;

import org.jspecify.annotations.NullMarked;
