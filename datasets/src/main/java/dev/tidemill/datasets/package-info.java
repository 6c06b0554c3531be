/** The data catalog: tables with versions, import, checks. */
@NullMarked
package dev.tidemill.datasets;

import org.jspecify.annotations.NullMarked;
