package dev.tidemill.tracking.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds what was deleted long ago and removes it for good, a little at a time. All methods join the caller's transaction. */
public interface RetentionStore {
    /** A deleted run that may go. */
    record Gone(long number, String project, RunId id, String artifacts, Optional<String> modelDigest) {}

    /** Which deleted runs a removal is about. */
    sealed interface Scope {
        /** All of a project, whatever its experiments say. */
        record Project(String name) implements Scope {}

        /** One experiment. */
        record OfExperiment(long id) implements Scope {}

        /** Every experiment that has no policy of its own. */
        record WithoutPolicy() implements Scope {}
    }

    /** Runs that were deleted before a time, the longest first. */
    List<Gone> runs(Scope scope, Instant deletedBefore, int limit);

    /** What experiments say of themselves: the value of the tag {@link Retention#POLICY_TAG} by experiment. */
    Map<Long, String> policies();

    /** A deleted logged model that may go. */
    record GoneModel(String id, String project, String artifacts) {}

    /** Logged models that were deleted before a time, the longest first. */
    List<GoneModel> models(Scope scope, Instant deletedBefore, int limit);

    /** Removes the logged model with everything else that belongs to it. */
    void removeModel(String id);

    /** How many runs those are. */
    long countRuns(Scope scope, Instant deletedBefore);

    /** Removes some of a run's points; false once there are none. */
    boolean removePoints(long run, int about);

    /** Removes the run with everything else that belongs to it. */
    void remove(long run);

    /** Removes experiments that were deleted before a time and have no run left; gives their projects and ids. */
    List<String> removeExperiments(Optional<String> project, Instant deletedBefore);
}
