package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keeps experiments. All methods join the caller's transaction. */
public interface ExperimentStore {
    /**
     * Inserts an experiment; empty if the project has one of that name, deleted or not.
     *
     * @param artifactLocation given by the user; empty derives one from the root and the new id
     */
    Optional<Experiment> insert(
            String project, String name, Optional<String> artifactLocation, String artifactRoot, Instant now);

    /** Inserts an experiment under an id of the caller's; false if that id is taken, whoever has it. */
    boolean insertAs(long id, String project, String name, String artifactRoot, Instant createdAt);

    /** Makes the experiment with id 0 of the project {@code default} if it is missing. */
    void ensureDefault(String artifactRoot, Instant now);

    Optional<Experiment> find(String project, long id);

    /** Keeps an experiment from being changed or deleted until the end of the unit of work. */
    void hold(long id);

    Optional<Experiment> findByName(String project, String name);

    /** Changes name and state. */
    void update(long id, String name, boolean deleted, Instant now);

    void putTag(long id, String name, String value);

    boolean removeTag(long id, String name);

    /**
     * Experiments that match, ordered; newest first where no order is given; fewer where they hold much.
     *
     * @param start where the page begins: in the order in which they were made, behind the last one of the page before
     */
    Portion<Experiment> search(
            String project,
            Lifecycle lifecycle,
            List<Comparison> filter,
            List<Ordering> order,
            RunStore.Start start,
            int limit);

    /** What runs of these experiments have read, once for each context. */
    List<DataSetUse> dataSets(String project, java.util.Collection<Long> experiments);

    /**
     * A data set that runs of an experiment have read.
     *
     * @param context what for, such as {@code training}; empty if unknown
     */
    record DataSetUse(long experimentId, String name, String digest, String context) {}
}
