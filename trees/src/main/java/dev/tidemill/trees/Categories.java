package dev.tidemill.trees;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * The categories of one input, each of which stands for its index: texts, or numbers, of which the truths are 0 and 1. A value that is
 * none of them is missing.
 *
 * @param texts empty unless the categories are texts
 * @param numbers empty unless the categories are numbers
 */
public record Categories(List<String> texts, List<Double> numbers) {
    /** Of an input of numbers, and of one whose categories a model knows by their indices alone. */
    public static final Categories NONE = new Categories(List.of(), List.of());

    /** Whole numbers of more bits round to one another as 64-bit floats. */
    private static final int MOST_BITS = 53;

    public Categories {
        texts = List.copyOf(texts);
        numbers = List.copyOf(numbers);
    }

    static Categories texts(List<String> texts) {
        return new Categories(texts, List.of());
    }

    /** The categories of a list as a library writes it. */
    static Categories of(JsonNode list) {
        List<String> texts = new ArrayList<>();
        List<Double> numbers = new ArrayList<>();
        int truths = 0;
        for (JsonNode category : list) {
            if (category.isTextual()) {
                texts.add(category.asText());
            } else if (category.isBoolean()) {
                truths++;
                numbers.add(category.asBoolean() ? 1.0 : 0.0);
            } else if (category.isNumber()) {
                numbers.add(number(category));
            } else {
                throw new UnsupportedModelException(
                        "its category " + category + " is neither a text, a number nor a truth");
            }
        }
        boolean mixed = !texts.isEmpty() && !numbers.isEmpty() || truths > 0 && truths < numbers.size();
        if (mixed) {
            throw new UnsupportedModelException("texts, numbers and truths are categories of one of its columns");
        }
        return new Categories(texts, numbers);
    }

    private static double number(JsonNode category) {
        if (category.isIntegralNumber() && category.bigIntegerValue().abs().bitLength() > MOST_BITS) {
            throw new UnsupportedModelException(
                    "its category " + category + " is a larger whole number than a 64-bit float can tell apart");
        }
        // The two zeros are one category.
        return category.asDouble() + 0.0;
    }
}
