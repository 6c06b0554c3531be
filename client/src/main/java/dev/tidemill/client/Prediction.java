package dev.tidemill.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a model says of one row.
 *
 * @param id by which the truth is told later
 * @param version of the model that answered
 * @param route {@code champion} or {@code challenger} of a deployment, or {@code registered} where no deployment has chosen the version
 * @param values of the model's first output: numbers, texts or truths; null for a number that is not one
 */
public record Prediction(String id, String version, String route, List<@Nullable Object> values) {
    /**
     * The one number of a regression or a binary classifier; NaN if it is not a number.
     *
     * @throws IllegalStateException if the model answers several values, or a text
     */
    public double number() {
        if (values.size() != 1 || values.get(0) instanceof String) {
            throw new IllegalStateException("The model answers " + values + ", which is not one number");
        }
        Object value = values.get(0);
        return value instanceof Number number ? number.doubleValue() : Double.NaN;
    }

    /** The one value as text, such as a class. */
    public String text() {
        if (values.size() != 1) {
            throw new IllegalStateException("The model answers " + values + ", which is not one value");
        }
        return String.valueOf(values.get(0));
    }
}
