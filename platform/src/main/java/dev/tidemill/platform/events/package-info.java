/** The one event log: what happened, durable cursors over it, webhooks out of it. */
@NullMarked
package dev.tidemill.platform.events;

import org.jspecify.annotations.NullMarked;
