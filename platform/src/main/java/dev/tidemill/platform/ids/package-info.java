/** Sortable, typed identifiers. */
@NullMarked
package dev.tidemill.platform.ids;

import org.jspecify.annotations.NullMarked;
