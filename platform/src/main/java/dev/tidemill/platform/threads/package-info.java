/** Threads that live as long as the server. */
@NullMarked
package dev.tidemill.platform.threads;

import org.jspecify.annotations.NullMarked;
