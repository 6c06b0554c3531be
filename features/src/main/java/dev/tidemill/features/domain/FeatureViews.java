package dev.tidemill.features.domain;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Feature views. Thread-safe. */
public final class FeatureViews {
    private static final Duration COMPUTE_TIMEOUT = Duration.ofSeconds(30);

    private final FeatureViewStore store;
    private final DataSets dataSets;
    private final QueryEngine engine;

    public FeatureViews(FeatureViewStore store, DataSets dataSets, QueryEngine engine) {
        this.store = store;
        this.dataSets = dataSets;
        this.engine = engine;
    }

    public void define(String project, String name, FeatureView view) {
        store.save(project, name, view);
    }

    /**
     * Tries a view's query over the columns of its data set, without rows.
     *
     * @throws TidemillException {@code INVALID_DEFINITION} in the engine's words if it does not run, or is not one query
     */
    public void check(FeatureView view, DataSet dataSet) {
        engine.compute(dataSet.columns(), Optional.empty(), view.sql(), List.of(), COMPUTE_TIMEOUT);
    }

    /** The same for a view over a data set of the project; one that is not there yet is asked for when it is needed. */
    public void check(String project, FeatureView view) {
        dataSets.find(project, view.source()).ifPresent(dataSet -> check(view, dataSet));
    }

    public FeatureView view(String project, String name) {
        return store.find(project, name).orElseThrow(() -> TidemillException.notFound("feature view", name));
    }

    public List<FeatureViewStore.Named> list(String project) {
        return store.list(project);
    }

    /**
     * Features of rows as they come in.
     *
     * @param raw whether the rows are as in the data set's source, before its mapping
     * @param labels whether the view's label is told too, of rows that are past
     */
    public List<Map<String, Object>> compute(
            String project, String name, List<Map<String, Object>> rows, boolean raw, boolean labels) {
        FeatureView view = view(project, name);
        DataSet dataSet = dataSets.dataSet(project, view.source());
        Optional<String> mapping = raw ? dataSet.source().flatMap(DataSet.Source::sql) : Optional.empty();
        List<Column> columns = dataSet.columns();
        List<Map<String, Object>> computed = new ArrayList<>();
        for (Map<String, Object> row : engine.compute(columns, mapping, view.sql(), rows, COMPUTE_TIMEOUT)) {
            var features = new LinkedHashMap<>(row);
            if (!labels) {
                features.remove(view.label());
            }
            computed.add(features);
        }
        return computed;
    }
}
