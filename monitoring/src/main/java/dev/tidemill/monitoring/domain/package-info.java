/** Journals, windows and the decisions taken on them, all in event time. */
@NullMarked
package dev.tidemill.monitoring.domain;

import org.jspecify.annotations.NullMarked;
