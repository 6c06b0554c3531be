package dev.tidemill.registry.domain;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the {@code MLmodel} file of a model folder says.
 *
 * @param flavors ways to load it, such as {@code xgboost}, each with its settings: texts, numbers, truths, maps and lists
 * @param signature what the model takes and gives; empty if its client told none
 * @param metadata what its maker says of it beside: texts, numbers and truths by name
 */
public record ModelDescription(
        Map<String, Map<String, Object>> flavors, Optional<Signature> signature, Map<String, String> metadata) {
    public ModelDescription(Map<String, Map<String, Object>> flavors, Optional<Signature> signature) {
        this(flavors, signature, Map.of());
    }

    /** What its maker says under a name. */
    public Optional<String> metadata(String name) {
        return Optional.ofNullable(metadata.get(name));
    }

    /** A text among a flavor's settings; empty if it has none of that name. */
    public Optional<String> setting(String flavor, String name) {
        return Optional.ofNullable(flavors.getOrDefault(flavor, Map.of()).get(name))
                .filter(value -> !(value instanceof Map<?, ?>) && !(value instanceof List<?>))
                .map(String::valueOf);
    }
}
