/** Data sets, their versions, and the ports that hold and query them. */
@NullMarked
package dev.tidemill.datasets.domain;

import org.jspecify.annotations.NullMarked;
