/** Routes and the Pipeline definition. */
@NullMarked
package dev.tidemill.pipelines.api;

import org.jspecify.annotations.NullMarked;
