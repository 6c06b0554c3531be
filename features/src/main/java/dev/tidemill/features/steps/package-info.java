/** What pipeline steps can do with feature views. */
@NullMarked
package dev.tidemill.features.steps;

import org.jspecify.annotations.NullMarked;
