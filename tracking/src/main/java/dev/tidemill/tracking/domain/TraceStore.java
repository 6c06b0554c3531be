package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Keeps traces, their spans and what is said of them. All methods join the caller's transaction. */
public interface TraceStore {
    /** Inserts a trace without what belongs to it, or overwrites the one with that id. */
    void put(Trace trace);

    /** Makes a trace out of its spans alone if it is not there, else widens its time. */
    void ensure(String project, long experimentId, String id, Instant requestedAt, Optional<Long> executionMillis);

    /** The trace with its tags, metadata and assessments. */
    Optional<Trace> find(String project, String id);

    List<Trace> findAll(String project, Collection<String> ids);

    void putTags(String project, String id, Map<String, String> tags);

    boolean removeTag(String project, String id, String name);

    void putMetadata(String project, String id, Map<String, String> metadata);

    /** Adds spans; one with the same id is replaced. */
    void putSpans(String project, String id, List<TraceSpan> spans);

    /** Spans in the order in which they started. */
    List<TraceSpan> spans(String project, String id);

    /** What each span of a trace says of the tokens it used. */
    List<TokenUsage.OfSpan> usages(String project, String id);

    void insertAssessment(String project, Assessment assessment);

    void updateAssessment(Assessment assessment);

    Optional<Assessment> findAssessment(String project, String traceId, String id);

    void deleteAssessment(String id);

    /** Notes that calls belong to a run; ids that are not there are left out. */
    void link(String project, Collection<String> ids, RunStore.RunState run);

    /**
     * Which traces a deletion takes.
     *
     * @param olderThan traces at that time or before
     * @param limit the oldest so many; 0 for all of them
     */
    List<String> older(String project, long experimentId, Instant olderThan, int limit);

    /** Removes traces with everything that belongs to them; gives how many there were. */
    int delete(String project, long experimentId, Collection<String> ids);

    List<Trace> search(
            String project,
            Collection<Long> experiments,
            List<Comparison> filter,
            List<Ordering> order,
            long offset,
            int limit);

    /** How many traces match all of the filter. */
    long count(String project, Collection<Long> experiments, List<Comparison> filter);
}
