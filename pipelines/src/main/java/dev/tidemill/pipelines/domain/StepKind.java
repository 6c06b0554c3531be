package dev.tidemill.pipelines.domain;

import java.util.Map;
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
     * Tries what a step of a pipeline that is being applied names.
     *
     * @param with the step's inputs as they are written; texts may hold expressions, whose values are not known yet
     * @param others what is applied together with the pipeline, by kind and name, as {@code FeatureView/trips}
     * @throws dev.tidemill.platform.errors.TidemillException {@code INVALID_DEFINITION} if it names something that is not there
     */
    default void check(String project, Map<String, Object> with, Map<String, Object> others) {}

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
