package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Keeps traces, their spans and what is said of them. All methods join the caller's transaction. */
public interface TraceStore {
    /** Inserts a trace without what belongs to it, or overwrites the one with that id. */
    void put(Trace trace);

    /** Makes a trace out of its spans alone if it is not there, else widens its time. */
    void ensure(String project, long experimentId, String id, Instant requestedAt, Optional<Long> executionMillis);

    /** The trace with its tags, metadata and assessments. */
    Optional<Trace> find(String project, String id);

    /** Traces that are there, in the order of the ids, read while the stream is used; see {@link #findWhole}. */
    Stream<Trace> findAll(String project, List<String> ids);

    /**
     * A trace with everything that belongs to it.
     *
     * @param spans in the order in which they started
     */
    record Whole(Trace trace, List<TraceSpan> spans) {}

    /**
     * Traces that are there, in the order of the ids, whole. They are read while the stream is used, as many at a time as fit
     * into memory together, which counts to the request from the beginning.
     */
    Stream<Whole> findWhole(String project, List<String> ids);

    void putTags(String project, String id, Map<String, String> tags);

    boolean removeTag(String project, String id, String name);

    void putMetadata(String project, String id, Map<String, String> metadata);

    /** Adds spans; one with the same id is replaced. */
    void putSpans(String project, String id, List<TraceSpan> spans);

    /** What each span of a trace says of the tokens it used. */
    List<TokenUsage.OfSpan> usages(String project, String id);

    /** Makes other transactions that change this trace, if it is there, wait for the end of this one. */
    void lock(String project, String id);

    /** False if there is one with that id, whatever its trace is. */
    boolean insertAssessment(String project, Assessment assessment);

    void updateAssessment(Assessment assessment);

    Optional<Assessment> findAssessment(String project, String traceId, String id);

    void deleteAssessment(String id);

    /** Notes that calls belong to a run; ids that are not there are left out. */
    void link(String project, Collection<String> ids, RunStore.RunState run);

    /**
     * Which traces a deletion takes.
     *
     * @param olderThan traces at that time or before
     * @param limit the oldest so many
     */
    List<String> older(String project, long experimentId, Instant olderThan, int limit);

    /** Removes traces with everything that belongs to them in the database; gives those that were there. */
    List<String> delete(String project, long experimentId, Collection<String> ids);

    /** A page of the traces that match: at most so many, fewer where they hold much. */
    Portion<Trace> search(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<Ordering> order,
            RunStore.Start start,
            int limit);

    /**
     * What is measured over all traces of some experiments, in the order of time and of the dimensions.
     *
     * @param limit most points; one more is given where there is one
     */
    List<TraceMetrics.Point> metrics(
            String project, Collection<Long> experiments, TraceMetrics.Query query, long offset, int limit);

    /** How many traces match all of the filter. */
    long count(String project, Collection<Long> experiments, List<Comparison> filter);
}
