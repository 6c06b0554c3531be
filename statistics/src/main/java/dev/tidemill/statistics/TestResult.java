package dev.tidemill.statistics;

/**
 * Outcome of a two-sample test.
 *
 * @param statistic the test's statistic
 * @param pValue probability, under equal distributions, of a statistic at least as extreme
 */
public record TestResult(double statistic, double pValue) {}
