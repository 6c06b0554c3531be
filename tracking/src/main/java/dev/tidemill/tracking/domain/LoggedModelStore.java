package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Portion;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keeps logged models. All methods join the caller's transaction. */
public interface LoggedModelStore {
    void insert(LoggedModel model);

    /** A model that is not deleted. */
    Optional<LoggedModel> find(String project, String id);

    void finish(String id, LoggedModel.Status status, Instant at);

    void markDeleted(String id, Instant at);

    void putParams(String id, Map<String, String> params);

    void putTags(String id, Map<String, String> tags, Instant at);

    boolean removeTag(String id, String name);

    void addMetrics(String id, List<LoggedModel.Measured> metrics);

    /** Adds measurements to models by their ids; what is told of models that the project does not have is passed over. */
    void addMetrics(String project, Map<String, List<LoggedModel.Measured>> metrics);

    /**
     * What a search is ordered by.
     *
     * @param field an attribute's canonical name, or the name of a metric
     */
    record Order(
            boolean metric,
            String field,
            boolean ascending,
            Optional<String> dataSetName,
            Optional<String> dataSetDigest) {}

    /** A data set on which the metrics that a search asks about must have been measured. */
    record DataSetRef(String name, Optional<String> digest) {}

    /** At most so many, fewer where they hold much. */
    Portion<LoggedModel> search(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<DataSetRef> dataSets,
            List<Order> order,
            long offset,
            int limit);
}
