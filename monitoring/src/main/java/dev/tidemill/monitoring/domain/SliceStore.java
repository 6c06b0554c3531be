package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Reliability;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keeps the running sums that windows and trials are put together from. All methods join the caller's unit of work. */
public interface SliceStore {
    void addSlice(String project, String deployment, Slice slice, Instant at);

    /** Slices that begin in an interval, oldest first. */
    List<Slice> slices(String project, String deployment, Instant from, Instant until);

    /** What the slices that begin at or after a time say about a challenger, oldest first. */
    List<Evidence.Sums> trial(String project, String deployment, int challenger, Instant since);

    /** The start of the first slice that begins at or after a time. */
    Optional<Instant> firstSlice(String project, String deployment, Instant from);

    /** Drops the profiles of slices whose window has been closed. */
    void dropProfiles(String project, String deployment, Instant until);

    /** Writes down what was counted of an interval, for the first time or again. */
    void saveCalls(String project, String deployment, ChallengerCalls calls, Instant at);

    /**
     * What was counted of a challenger.
     *
     * @param until where the last interval ends; empty where there is none
     */
    record CallTotals(Reliability reliability, Optional<Instant> until) {}

    /** Sums the intervals of a challenger that end after a time. */
    CallTotals callTotals(String project, String deployment, int challenger, Instant after);

    /** Intervals of a challenger that end after one time and not after another, oldest first. */
    List<ChallengerCalls> callsEnding(
            String project, String deployment, int challenger, Instant after, Instant notAfter);

    /** Forgets all slices and counts of a deployment whose origin has moved. */
    void forgetSlices(String project, String deployment);

    /** Deletes slices that were written before a time, the oldest first; how many. */
    int deleteSlicesBefore(Instant time, int limit);

    /** Deletes counts of challengers' calls that were written before a time, the oldest first; how many. */
    int deleteCallsBefore(Instant time, int limit);
}
