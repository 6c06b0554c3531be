package dev.tidemill.monitoring.domain;

/** Errors of one month of event time. */
public record MonthReport(
        String month, long rows, double served, double baseline, int retrainings, int promotions, int rejections) {}
