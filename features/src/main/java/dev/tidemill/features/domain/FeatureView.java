package dev.tidemill.features.domain;

/**
 * Features derived from a data set by SQL. The query works row by row on what it reads {@code FROM source}, so that one
 * event's features are the same in training and in serving.
 *
 * @param source the data set
 * @param sql one SELECT, which gives the time column, the features and the label
 * @param time column of the result with the event time
 * @param label column of the result that models learn to predict; missing when serving
 */
public record FeatureView(String source, String sql, String time, String label) {}
