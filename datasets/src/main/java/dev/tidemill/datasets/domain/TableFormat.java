package dev.tidemill.datasets.domain;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.function.LongConsumer;

/** Holds the rows of data sets as versioned tables. Thread-safe. */
public interface TableFormat {
    /** A file of rows that has been written but belongs to no version yet. */
    record NewFile(Path path, long rows, long bytes) {}

    /** Where a new file for the table is to be written. */
    Path newFile(String project, String dataSet);

    /**
     * Makes a new snapshot that consists of exactly this file.
     *
     * @param record runs in the transaction that makes the snapshot current, with its id
     * @throws dev.tidemill.platform.errors.TidemillException {@code CONFLICT} if another writer came first
     */
    void replace(String project, String dataSet, List<Column> columns, NewFile file, LongConsumer record);

    /**
     * What a collection has removed.
     *
     * @param failed tables that could not be read, whose files stay
     */
    record Collected(int files, long bytes, int failed) {}

    /** Removes files that no snapshot and no metadata of any table refer to and that were written before a time. */
    Collected collect(Instant writtenBefore);

    /** The files of a snapshot. */
    List<Path> files(String project, String dataSet, long snapshotId);
}
