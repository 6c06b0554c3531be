/** Event time: the clock that data runs on. */
@NullMarked
package dev.tidemill.platform.time;

import org.jspecify.annotations.NullMarked;
