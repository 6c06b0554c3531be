/** What pipeline steps can do with data sets. */
@NullMarked
package dev.tidemill.datasets.steps;

import org.jspecify.annotations.NullMarked;
