package dev.tidemill.registry.domain;

import java.util.List;

/**
 * What a model takes and gives.
 *
 * @param inputs named columns
 * @param outputs what it predicts
 */
public record Signature(List<Field> inputs, List<Field> outputs) {
    public Signature {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
    }

    /**
     * A named value and its MLflow type, such as {@code double} or {@code string}.
     *
     * @param optional whether a request may leave it out: MLflow's {@code required: false}
     */
    public record Field(String name, String type, boolean optional) {
        public Field(String name, String type) {
            this(name, type, false);
        }
    }
}
