/** The durable step engine. */
@NullMarked
package dev.tidemill.pipelines;

import org.jspecify.annotations.NullMarked;
