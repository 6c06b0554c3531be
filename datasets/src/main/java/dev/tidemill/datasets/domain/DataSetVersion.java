package dev.tidemill.datasets.domain;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * An immutable state of a data set.
 *
 * @param version 1, 2, 3, ... within the data set
 * @param snapshotId of the Iceberg table
 * @param digest of the rows' files: equal contents have equal digests
 * @param summary facts for people, such as the range of the event time and the outcome of checks
 * @param sources what it was made from, as references
 * @param madeBy the pipeline step that made it
 */
public record DataSetVersion(
        String project,
        String dataSet,
        int version,
        long snapshotId,
        String digest,
        long rows,
        long bytes,
        List<Column> columns,
        Map<String, Object> summary,
        List<String> sources,
        String madeBy,
        Instant createdAt) {
    /** How other things refer to it, such as {@code rentals@3}. */
    public String reference() {
        return dataSet + "@" + version;
    }
}
