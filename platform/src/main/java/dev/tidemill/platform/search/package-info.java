/** The filter and order grammar of MLflow's searches. */
@NullMarked
package dev.tidemill.platform.search;

import org.jspecify.annotations.NullMarked;
