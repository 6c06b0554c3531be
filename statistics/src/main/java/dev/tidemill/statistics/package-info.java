/** Pure statistics: window profiles, two-sample tests, sequential tests. No I/O. */
@NullMarked
package dev.tidemill.statistics;

import org.jspecify.annotations.NullMarked;
