/** Routes. */
@NullMarked
package dev.tidemill.registry.api;

import org.jspecify.annotations.NullMarked;
