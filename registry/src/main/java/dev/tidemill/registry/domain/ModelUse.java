package dev.tidemill.registry.domain;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Tells what needs a model, so that nothing in use is deleted or renamed and no alias says what is not so. What uses models implements it. Thread-safe. */
@FunctionalInterface
public interface ModelUse {
    /**
     * What needs a model or one of its versions, each as a person would name it, such as {@code deployment 'bikes'}.
     *
     * <p>Called within the unit of work that deletes or renames, while that holds the model ({@link Models#hold}): whoever
     * begins to use a model holds it too, so neither misses the other.
     *
     * @param version empty for the whole model
     */
    List<String> users(String project, String model, OptionalInt version);

    /**
     * What keeps an alias at a version, by name as in {@link #users}: nobody else moves or removes it. Called within the unit of work
     * that would, while that holds the model.
     */
    default Map<String, Integer> holders(String project, String model, String alias) {
        return Map.of();
    }
}
