/** Tables. */
@NullMarked
package dev.tidemill.pipelines.store;

import org.jspecify.annotations.NullMarked;
