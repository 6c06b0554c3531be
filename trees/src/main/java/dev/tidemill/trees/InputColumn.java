package dev.tidemill.trees;

import java.util.List;

/**
 * One named input of a tabular model and how its values become numbers.
 *
 * @param name of the column
 * @param categories for a column of text: its known values, each standing for its index; an unknown value is missing. Empty
 *     for a numeric column
 */
public record InputColumn(String name, List<String> categories) {
    public InputColumn {
        categories = List.copyOf(categories);
    }

    public static InputColumn numeric(String name) {
        return new InputColumn(name, List.of());
    }

    public boolean isText() {
        return !categories.isEmpty();
    }
}
