package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Keeps evaluation data sets and their records. All methods join the caller's transaction. */
public interface EvaluationStore {
    void insert(EvaluationDataSet dataSet);

    void update(EvaluationDataSet dataSet);

    Optional<EvaluationDataSet> find(String project, String id);

    void delete(String id);

    void link(String id, Collection<Long> experiments);

    void unlink(String id, Collection<Long> experiments);

    /** Sets that match; of every experiment where none is named; at most so many, fewer where they hold much. */
    Portion<EvaluationDataSet> search(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<Ordering> order,
            long offset,
            int limit);

    /** The record with these inputs. */
    Optional<EvaluationDataSet.Row> findRow(String dataSet, String inputs);

    void putRow(String dataSet, EvaluationDataSet.Row row);

    /** Records behind one of them, the oldest first: at most so many, fewer where they hold much. */
    Portion<EvaluationDataSet.Row> rows(String dataSet, Optional<RunStore.Last> after, int limit);

    long countRows(String dataSet);

    int deleteRows(String dataSet, Collection<String> ids);
}
