package dev.tidemill.datasets.domain;

import java.util.List;
import java.util.Optional;

/**
 * What a data set is: where it comes from and what its rows must look like.
 *
 * @param source where it is imported from; none for one that pipelines write
 * @param columns in order
 * @param key columns that tell rows apart; empty for none
 * @param time column with the event time of a row, if it has one
 */
public record DataSet(Optional<Source> source, List<Column> columns, List<String> key, Optional<String> time) {
    public DataSet {
        columns = List.copyOf(columns);
        key = List.copyOf(key);
    }

    /**
     * A CSV file in the project.
     *
     * @param path as written in the definition
     * @param blob digest of its contents
     * @param sql maps the file's rows, which it reads {@code FROM source}, to the columns; none takes columns by name
     * @param until only rows before this event time are imported
     */
    public record Source(String path, String blob, Optional<String> sql, Optional<java.time.Instant> until) {}

    public Optional<Column> column(String name) {
        return columns.stream().filter(column -> column.name().equals(name)).findFirst();
    }
}
