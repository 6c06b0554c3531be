package dev.tidemill.datasets.iceberg;

import dev.tidemill.datasets.domain.TablePointers;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Transactions;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.apache.iceberg.BaseMetastoreTableOperations;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.io.FileIO;
import org.jspecify.annotations.Nullable;

/**
 * Commits to a table by writing the metadata file first and then moving the pointer to it in a transaction, which may
 * record more about the new snapshot. One instance serves one change at a time.
 */
final class SqlTableOperations extends BaseMetastoreTableOperations {
    private final TablePointers pointers;
    private final Transactions transactions;
    private final String project;
    private final String table;
    private final LocalFileIO io;
    private @Nullable LongConsumer record;
    private Optional<String> pointer = Optional.empty();

    SqlTableOperations(
            TablePointers pointers,
            Transactions transactions,
            String project,
            String table,
            String location,
            DeletionHold deletions) {
        this.pointers = pointers;
        this.transactions = transactions;
        this.project = project;
        this.table = table;
        this.io = new LocalFileIO(location, deletions);
    }

    /** Has the consumer run in the transaction of the next commit, with the id of the snapshot that it makes current. */
    void recordNext(LongConsumer consumer) {
        record = consumer;
    }

    @Override
    protected String tableName() {
        return project + "." + table;
    }

    @Override
    public FileIO io() {
        return io;
    }

    /** Where a file that metadata name really is. */
    Path path(String location) {
        return io.confined(location);
    }

    @Override
    protected void doRefresh() {
        pointer = pointers.find(project, table);
        if (pointer.isPresent()) {
            refreshFromMetadataLocation(pointer.get());
        } else {
            disableRefresh();
        }
    }

    /** The pointer as the database has it, which may be a path from before the data directory was moved. */
    private String asStored(String location) {
        return pointer.filter(stored -> path(stored).equals(path(location))).orElse(location);
    }

    @Override
    protected void doCommit(@Nullable TableMetadata base, TableMetadata metadata) {
        String written = writeNewMetadataIfRequired(base == null, metadata);
        Optional<String> from = base == null ? Optional.empty() : Optional.of(asStored(base.metadataFileLocation()));
        transactions.write(() -> {
            if (!pointers.swap(project, table, from, written)) {
                throw new CommitFailedException("table %s has changed", tableName());
            }
            if (record != null) {
                record.accept(metadata.currentSnapshot().snapshotId());
            }
        });
        record = null;
    }
}
