/** What pipeline steps can do with deployments. */
@NullMarked
package dev.tidemill.deployments.steps;

import org.jspecify.annotations.NullMarked;
