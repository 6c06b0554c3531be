/** Tables. */
@NullMarked
package dev.tidemill.identity.store;

import org.jspecify.annotations.NullMarked;
