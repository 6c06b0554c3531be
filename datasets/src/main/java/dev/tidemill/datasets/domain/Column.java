package dev.tidemill.datasets.domain;

import java.util.List;
import java.util.Optional;

/**
 * A column and the rules that its values obey.
 *
 * @param required whether a value must be there
 * @param least smallest value allowed of a number
 * @param most largest value allowed of a number
 * @param values allowed values of a text; empty allows all
 */
public record Column(
        String name,
        ColumnType type,
        boolean required,
        Optional<Double> least,
        Optional<Double> most,
        List<String> values) {
    public Column {
        values = List.copyOf(values);
    }

    public static Column of(String name, ColumnType type) {
        return new Column(name, type, false, Optional.empty(), Optional.empty(), List.of());
    }
}
