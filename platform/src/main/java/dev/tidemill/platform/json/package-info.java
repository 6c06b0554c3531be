/** The one JSON mapping of the platform. */
@NullMarked
package dev.tidemill.platform.json;

import org.jspecify.annotations.NullMarked;
