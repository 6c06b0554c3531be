/** Requests that the server sends to addresses given by users. */
@NullMarked
package dev.tidemill.platform.outbound;

import org.jspecify.annotations.NullMarked;
