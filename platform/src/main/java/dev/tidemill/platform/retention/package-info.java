/** What grows while the server works, and how long it is kept. */
@NullMarked
package dev.tidemill.platform.retention;

import org.jspecify.annotations.NullMarked;
