package dev.tidemill.platform.search;

import java.util.List;

/**
 * The first rows of a list: all that were asked for, or fewer where they hold much.
 *
 * @param more whether others follow
 */
public record Portion<T>(List<T> items, boolean more) {}
