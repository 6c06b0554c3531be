/** Tables. */
@NullMarked
package dev.tidemill.datasets.store;

import org.jspecify.annotations.NullMarked;
