/** Deployments, policies and the rules of a rollout. */
@NullMarked
package dev.tidemill.deployments.domain;

import org.jspecify.annotations.NullMarked;
