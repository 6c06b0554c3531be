package dev.tidemill.features.domain;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.platform.errors.ErrorCode;
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
     * @throws TidemillException {@code INVALID_DEFINITION} if it does not run, is not one query, does not work row by row, or lacks
     *     the columns that the view names
     */
    public void check(FeatureView view, DataSet dataSet) {
        List<String> columns = engine.rowByRow(dataSet.columns(), view.sql(), COMPUTE_TIMEOUT);
        requireColumn("time", view.time(), columns);
        requireColumn("label", view.label(), columns);
    }

    /**
     * Names of the columns that a view gives over a data set; empty if its query does not run over it.
     */
    public Optional<List<String>> columns(FeatureView view, DataSet dataSet) {
        try {
            return Optional.of(engine.rowByRow(dataSet.columns(), view.sql(), COMPUTE_TIMEOUT));
        } catch (TidemillException e) {
            if (e.code() != ErrorCode.INVALID_DEFINITION) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private static void requireColumn(String key, String name, List<String> columns) {
        if (!columns.contains(name)) {
            throw new TidemillException(
                            ErrorCode.INVALID_DEFINITION,
                            "The query gives no column '" + name + "', which is the view's '" + key + "'; it gives "
                                    + columns)
                    .remedy("Select it, or name another column as '" + key + "'");
        }
    }

    /** The same for a view over a data set of the project; one that is not there yet is asked for when it is needed. */
    public void check(String project, FeatureView view) {
        dataSets.find(project, view.source()).ifPresent(dataSet -> check(view, dataSet));
    }

    /** A view that may not be defined yet. */
    public Optional<FeatureView> find(String project, String name) {
        return store.find(project, name);
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
        List<Map<String, Object>> results = engine.compute(columns, mapping, view.sql(), rows, COMPUTE_TIMEOUT);
        if (results.size() != rows.size()) {
            // Which of them is whose could not be told.
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "View '" + name + "' gives " + results.size() + " rows for " + rows.size() + ": its SQL"
                                    + (raw ? ", or that of its data set's source," : "") + " does not work row by row")
                    .remedy("Send only rows that it keeps, or have it give one row for each");
        }
        for (Map<String, Object> row : results) {
            var features = new LinkedHashMap<>(row);
            if (!labels) {
                features.remove(view.label());
            }
            computed.add(features);
        }
        return computed;
    }
}
