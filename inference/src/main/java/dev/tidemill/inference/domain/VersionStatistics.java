package dev.tidemill.inference.domain;

/** What one version has done under one name. */
public record VersionStatistics(String project, String name, int version, ModelStatistics.Snapshot figures) {}
