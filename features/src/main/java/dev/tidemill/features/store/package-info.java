/** Tables. */
@NullMarked
package dev.tidemill.features.store;

import org.jspecify.annotations.NullMarked;
