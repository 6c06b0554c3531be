package dev.tidemill.datasets.domain;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Runs import and SQL outside the server's process, where users' queries can neither reach files that are not theirs nor
 * take the server down. Thread-safe.
 */
public interface QueryEngine {
    /** What has been written: rows, file, content digest, and facts about them. */
    record Written(long rows, long bytes, String digest, List<Column> columns, Map<String, Object> summary) {}

    /** Reads a CSV, maps and checks its rows, and writes those that pass to the file; any that does not refuses all. */
    Written importCsv(Path csv, DataSet dataSet, Path target, Consumer<String> log, Duration timeout);

    /**
     * Runs a query and writes its rows, in event-time order, to the file.
     *
     * @param source files that the query sees as {@code source}
     * @param sql one SELECT
     * @param extra rows in newline-delimited JSON to append to the result, by column name
     * @param time column of the result to filter and order by
     * @param from first event time to keep
     * @param until end, exclusive
     */
    record Query(
            List<Path> source,
            String sql,
            Optional<Path> extra,
            Optional<String> time,
            Optional<Instant> from,
            Optional<Instant> until) {}

    Written query(Query query, Path target, Consumer<String> log, Duration timeout);

    /**
     * Computes the query over the given rows only.
     *
     * @param columns of {@code source}
     * @param rows values by column; texts are converted to the column's type
     * @param mapping maps raw rows to the columns first, where given; the rows' values are texts then
     */
    List<Map<String, Object>> compute(
            List<Column> columns,
            Optional<String> mapping,
            String sql,
            List<Map<String, Object>> rows,
            Duration timeout);

    /**
     * Tries a query without rows and holds it to giving one row for each row of {@code source}, computed from that row alone.
     *
     * @param columns of {@code source}
     * @return names of the result's columns
     * @throws dev.tidemill.platform.errors.TidemillException {@code INVALID_DEFINITION} if it does not run, is not one query, or
     *     works on more than one row
     */
    List<String> rowByRow(List<Column> columns, String sql, Duration timeout);

    /** Rows that lie in files of their own: columns in order, and how many rows there are. */
    record Split(List<Column> columns, long rows) {}

    /**
     * Writes rows, in order, to files {@code rows-000000.json}, {@code rows-000001.json} and so on: a JSON array a row, its
     * values in the order of the columns, times as ISO 8601 texts, what is missing as null.
     *
     * @param rows most rows of one file
     * @param folder that exists
     */
    Split split(List<Path> files, int rows, Path folder, Duration timeout);

    /**
     * Writes rows with columns added.
     *
     * @param values newline-delimited JSON objects with the added columns' values, row by row in the order of the rows
     */
    Written attach(
            List<Path> files, Path values, List<Column> added, Path target, Consumer<String> log, Duration timeout);

    /** Makes a file of Parquet from newline-delimited JSON objects with values of these columns. */
    Written parquet(Path lines, List<Column> columns, Path target, Duration timeout);

    /** The first rows of files, for people to look at. */
    List<Map<String, Object>> sample(List<Path> files, int limit, Duration timeout);
}
