/** Routes and the Monitor definition. */
@NullMarked
package dev.tidemill.monitoring.api;

import org.jspecify.annotations.NullMarked;
