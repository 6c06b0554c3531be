package dev.tidemill.pipelines.domain;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a step can do. Domains bring their kinds; the engine carries them out. Work that is heavy or foreign belongs in a
 * child process, which the kind starts and waits for. Implementations are thread-safe.
 */
public interface StepKind {
    /** The value of {@code uses}, such as {@code training.xgboost}. */
    String name();

    /** Inputs that must be given, and those that may be. */
    Inputs inputs();

    /**
     * Whether equal inputs always give equal outputs and nothing else happens, so that a result may be reused. Part of
     * the cache key; raise {@link #version()} when the meaning changes.
     */
    default boolean cacheable() {
        return false;
    }

    default int version() {
        return 1;
    }

    /**
     * Tries what a step of a pipeline that is being applied names, as far as it is known before it runs.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code INVALID_DEFINITION} if it names something that is not there
     */
    default void check(StepDraft step) {}

    /** Columns of the data set version that a step will give; empty if it gives none, or only its run will tell. */
    default Optional<List<String>> columns(StepDraft step) {
        return Optional.empty();
    }

    /**
     * Carries out one attempt. It may be repeated after a crash, so whatever it changes it changes idempotently, keyed by
     * {@link StepContext#key()}. It ends soon after its thread is interrupted.
     *
     * @return outputs by name: texts, numbers, booleans, and lists or maps of them
     * @throws dev.tidemill.platform.errors.TidemillException when the step cannot succeed
     */
    Map<String, Object> run(StepContext context) throws InterruptedException;

    /** Names of inputs. */
    record Inputs(Set<String> required, Set<String> optional) {}
}
