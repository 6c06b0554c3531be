/** The Java client of Tidemill. */
@NullMarked
package dev.tidemill.client;

import org.jspecify.annotations.NullMarked;
