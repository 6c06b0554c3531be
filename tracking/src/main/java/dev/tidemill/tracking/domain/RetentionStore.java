package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Finds what was deleted long ago and removes it for good, a little at a time. All methods join the caller's transaction. */
public interface RetentionStore {
    /** A deleted run that may go. */
    record Gone(long number, String project, RunId id, String artifacts, Optional<String> modelDigest) {}

    /** Runs that were deleted before a time, the longest first. */
    List<Gone> runs(Optional<String> project, Instant deletedBefore, int limit);

    /** How many runs those are. */
    long countRuns(Optional<String> project, Instant deletedBefore);

    /** Removes some of a run's points; false once there are none. */
    boolean removePoints(long run, int about);

    /** Removes the run with everything else that belongs to it. */
    void remove(long run);

    /** Removes experiments that were deleted before a time and have no run left; gives their projects and ids. */
    List<String> removeExperiments(Optional<String> project, Instant deletedBefore);
}
