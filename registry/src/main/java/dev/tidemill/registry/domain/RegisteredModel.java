package dev.tidemill.registry.domain;

import java.time.Instant;
import java.util.Map;

/**
 * A registered model.
 *
 * @param versions number of versions that are not deleted
 * @param aliases version that each alias points at
 */
public record RegisteredModel(
        String project,
        String name,
        String description,
        Instant createdAt,
        Instant updatedAt,
        int versions,
        Map<String, Integer> aliases,
        Map<String, String> tags) {
    /** The tag that makes a model a prompt, which default searches leave out. */
    public static final String PROMPT_TAG = "mlflow.prompt.is_prompt";

    /** Tag of a version that holds a prompt's text. */
    public static final String PROMPT_TEXT_TAG = "mlflow.prompt.text";
}
