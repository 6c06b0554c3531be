/** Tables. */
@NullMarked
package dev.tidemill.registry.store;

import org.jspecify.annotations.NullMarked;
