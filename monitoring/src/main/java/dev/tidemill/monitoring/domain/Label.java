package dev.tidemill.monitoring.domain;

/**
 * A label that has arrived.
 *
 * @param id of the prediction that it belongs to
 */
public record Label(String id, String value) {}
