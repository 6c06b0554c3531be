/** Routes and definitions. */
@NullMarked
package dev.tidemill.deployments.api;

import org.jspecify.annotations.NullMarked;
