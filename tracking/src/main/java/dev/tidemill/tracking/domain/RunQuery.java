package dev.tidemill.tracking.domain;

import java.util.List;

/**
 * A search of runs as somebody asks for it.
 *
 * @param experimentIds whose runs are searched; none names none
 * @param filter in MLflow's grammar, empty for all
 * @param order such as {@code metrics.loss DESC}; the newest first where it is empty
 */
public record RunQuery(List<String> experimentIds, Lifecycle lifecycle, String filter, List<String> order) {}
