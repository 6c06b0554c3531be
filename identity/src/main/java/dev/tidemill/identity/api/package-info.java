/** Routes. */
@NullMarked
package dev.tidemill.identity.api;

import org.jspecify.annotations.NullMarked;
