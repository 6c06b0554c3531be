package dev.tidemill.datasets.iceberg;

import dev.tidemill.datasets.domain.TablePointers;
import dev.tidemill.platform.sql.Transactions;
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

    SqlTableOperations(
            TablePointers pointers, Transactions transactions, String project, String table, String location) {
        this.pointers = pointers;
        this.transactions = transactions;
        this.project = project;
        this.table = table;
        this.io = new LocalFileIO(location);
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

    @Override
    protected void doRefresh() {
        Optional<String> pointer = pointers.find(project, table);
        if (pointer.isPresent()) {
            refreshFromMetadataLocation(pointer.get());
        } else {
            disableRefresh();
        }
    }

    @Override
    protected void doCommit(@Nullable TableMetadata base, TableMetadata metadata) {
        String written = writeNewMetadataIfRequired(base == null, metadata);
        Optional<String> from = base == null ? Optional.empty() : Optional.of(base.metadataFileLocation());
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
