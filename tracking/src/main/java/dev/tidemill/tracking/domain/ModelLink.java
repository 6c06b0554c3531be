package dev.tidemill.tracking.domain;

/**
 * A logged model that a run has read or made.
 *
 * @param output whether the run made it
 * @param step at which it was made
 */
public record ModelLink(String modelId, boolean output, long step) {}
