package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.tracking.domain.Tracking.Span;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Keeps runs and what is logged to them. All methods join the caller's transaction. */
public interface RunStore {
    /** Inserts a run without what is logged to it; false if its source key is taken. */
    boolean insert(Run run);

    /** The run with everything that belongs to it. */
    Optional<Run> find(String project, RunId id);

    /** The run itself, without what is logged to it. */
    Optional<Run> findInfo(String project, RunId id);

    /** The run alone, for deciding whether it may be written; cheaper than {@link #find}. */
    Optional<RunState> findState(String project, RunId id);

    /**
     * What has to be known of a run before something is logged to it.
     *
     * @param number by which the store knows it
     */
    record RunState(long number, RunId id, long experimentId, boolean deleted) {}

    Optional<Run> findBySource(String project, String sourceKey);

    /**
     * Runs that are not deleted, the greatest id first; as many as fit on a page, as {@link #search} says.
     *
     * @param before only runs with an id below this one
     */
    Found newest(String project, Optional<Long> experiment, Optional<String> before, int limit);

    /** Adds params; gives those that are there already with another value, and then adds none. */
    Map<String, String> addParams(RunState run, Map<String, String> params);

    void putTags(RunState run, Map<String, String> tags);

    boolean removeTag(RunState run, String name);

    /** Adds points; one that is there already changes nothing. The latest is the highest by step, then time, then value. */
    void addPoints(RunState run, List<MetricPoint> points);

    void addInputs(RunState run, List<DataSetInput> inputs);

    void addModels(RunState run, List<ModelLink> models);

    /**
     * A page of a metric's points by time, step and value.
     *
     * @param byStep in the order of steps instead, in which the store keeps them: the same where times do not fall along steps
     * @param after the point behind which the page begins
     */
    List<MetricPoint> history(RunState run, String metric, boolean byStep, Optional<MetricPoint> after, int limit);

    /** Whether a point of the metric was recorded before another of a lower step. */
    boolean timesFall(RunState run, String metric);

    /** Gives every point of a metric by time, step and value, one after the other; a reader is held until the last has been taken. */
    void eachPoint(RunState run, String metric, Consumer<MetricPoint> each);

    /**
     * A metric's points in order of step, thinned to at most {@code buckets} equal spans of steps: of each span the points with
     * the least and the greatest value, so that no peak is lost.
     */
    List<MetricPoint> envelope(RunState run, String metric, Span span, int buckets);

    /**
     * Points spread evenly over all of a span, by step, time and value, the first and the last among them.
     *
     * @param most how many at most; of one, the last is given
     */
    List<MetricPoint> sample(RunState run, String metric, Span span, int most);

    /** Changes the run itself; what is empty stays. */
    void update(RunState run, Optional<String> name, Optional<Run.Status> status, Optional<Instant> endedAt);

    void setModelDigest(RunState run, Optional<String> digest);

    void setDeleted(RunState run, boolean deleted, Instant at);

    /** Deletes or restores every run of an experiment. */
    void setDeletedIn(long experiment, boolean deleted, Instant at);

    /**
     * Runs that match: at most the limit, and fewer where they hold so much that a page of them would be too large for memory, but
     * one at least.
     *
     * @param project whose runs are seen, whatever experiments are named
     * @param start where the page begins
     */
    Found search(
            String project,
            Collection<Long> experiments,
            Lifecycle lifecycle,
            List<Comparison> filter,
            List<Ordering> order,
            Start start,
            int limit);

    /**
     * Runs that were found.
     *
     * @param more whether others follow them
     */
    record Found(List<Run> runs, boolean more) {
        static final Found NOTHING = new Found(List.of(), false);
    }

    /**
     * Where a page begins.
     *
     * @param offset how many runs are skipped, where no last one is known
     * @param last the last run of the page before; only for searches in the order in which runs started
     */
    record Start(long offset, Optional<Last> last) {
        /** The first page. */
        public static final Start BEGINNING = new Start(0, Optional.empty());
    }

    /** A run's place in the order in which runs started. */
    record Last(long startedAt, String id) {}

    /** Ids of the newest runs that match, at most the limit. */
    List<RunId> ids(
            String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter, int limit);

    /** How many runs match. */
    long count(String project, Collection<Long> experiments, Lifecycle lifecycle, List<Comparison> filter);

    /** Names by which runs may be filtered and shown, of the newest runs of these experiments. */
    Names names(String project, Collection<Long> experiments);

    /** Names that runs use. */
    record Names(List<String> metrics, List<String> params, List<String> tags) {}
}
