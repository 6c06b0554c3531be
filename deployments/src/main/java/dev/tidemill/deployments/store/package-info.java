/** Tables. */
@NullMarked
package dev.tidemill.deployments.store;

import org.jspecify.annotations.NullMarked;
