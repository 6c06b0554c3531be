package dev.tidemill.platform.search;

/** One key of an order, by canonical names; what lacks the key comes last in either direction. */
public record Ordering(String entity, String key, boolean ascending) {}
