package dev.tidemill.datasets.iceberg;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.TableFormat;
import dev.tidemill.datasets.domain.TablePointers;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Transactions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Data sets as Iceberg tables in a folder, each version a snapshot; the catalog is one row a table in our database. */
public final class IcebergTables implements TableFormat {
    private static final Map<String, String> PROPERTIES = Map.of(
            "commit.manifest.min-count-to-merge", "20",
            "write.metadata.delete-after-commit.enabled", "true",
            "write.metadata.previous-versions-max", "20");

    private static final Logger LOG = LoggerFactory.getLogger(IcebergTables.class);
    private final Path warehouse;
    private final TablePointers pointers;
    private final Transactions transactions;
    private final DeletionHold deletions;

    /** @param deletions keeps files while a backup copies them; what is held is found by a later {@link #collect} */
    public IcebergTables(Path warehouse, TablePointers pointers, Transactions transactions, DeletionHold deletions) {
        this.deletions = deletions;
        this.warehouse = warehouse;
        this.pointers = pointers;
        this.transactions = transactions;
    }

    @Override
    public Path newFile(String project, String dataSet) {
        try {
            return Files.createDirectories(location(project, dataSet).resolve("data"))
                    .resolve(Ids.next() + ".parquet");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path location(String project, String dataSet) {
        return warehouse.resolve(project).resolve(dataSet);
    }

    @Override
    public void replace(String project, String dataSet, List<Column> columns, NewFile file, LongConsumer record) {
        Schema schema = schema(columns);
        var operations = operations(project, dataSet);
        if (operations.refresh() == null) {
            operations.commit(
                    null,
                    TableMetadata.newTableMetadata(
                            schema,
                            PartitionSpec.unpartitioned(),
                            location(project, dataSet).toString(),
                            PROPERTIES));
        }
        Table table = new BaseTable(operations, project + "." + dataSet);
        if (!table.schema().sameSchema(schema)) {
            evolve(table, schema);
        }
        var change = table.newOverwrite()
                .overwriteByRowFilter(Expressions.alwaysTrue())
                .addFile(DataFiles.builder(PartitionSpec.unpartitioned())
                        .withPath(file.path().toString())
                        .withFormat(FileFormat.PARQUET)
                        .withFileSizeInBytes(file.bytes())
                        .withRecordCount(file.rows())
                        .build());
        try {
            operations.recordNext(record);
            change.commit();
        } catch (CommitFailedException e) {
            throw new TidemillException(ErrorCode.CONFLICT, "Another writer changed data set '" + dataSet + "' first")
                    .remedy("Try again")
                    .causedBy(e);
        }
    }

    /** Columns keep their field ids by name, as readers of older snapshots expect. */
    private static void evolve(Table table, Schema schema) {
        table.updateSchema().allowIncompatibleChanges().unionByNameWith(schema).commit();
    }

    private SqlTableOperations operations(String project, String dataSet) {
        return new SqlTableOperations(
                pointers,
                transactions,
                project,
                dataSet,
                location(project, dataSet).toString(),
                deletions);
    }

    private static Schema schema(List<Column> columns) {
        var fields = new ArrayList<Types.NestedField>();
        for (int i = 0; i < columns.size(); i++) {
            fields.add(Types.NestedField.optional(
                    i + 1, columns.get(i).name(), type(columns.get(i).type())));
        }
        return new Schema(fields);
    }

    private static Type type(ColumnType type) {
        return switch (type) {
            case TEXT -> Types.StringType.get();
            case LONG -> Types.LongType.get();
            case DOUBLE -> Types.DoubleType.get();
            case BOOLEAN -> Types.BooleanType.get();
            case TIMESTAMP -> Types.TimestampType.withoutZone();
        };
    }

    @Override
    public List<Path> files(String project, String dataSet, long snapshotId) {
        var operations = operations(project, dataSet);
        if (Optional.ofNullable(operations.refresh()).isEmpty()) {
            throw TidemillException.notFound("table", dataSet);
        }
        Table table = new BaseTable(operations, project + "." + dataSet);
        var files = new ArrayList<Path>();
        try (var tasks = table.newScan().useSnapshot(snapshotId).planFiles()) {
            tasks.forEach(task -> files.add(operations.path(task.file().location())));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return files;
    }

    @Override
    public Collected collect(Instant writtenBefore) {
        int removed = 0;
        long bytes = 0;
        int failed = 0;
        for (TablePointers.Table table : pointers.tables()) {
            try {
                var operations = operations(table.project(), table.name());
                var orphans = new OrphanFiles(location(table.project(), table.name()), operations);
                for (Path file : orphans.find(writtenBefore)) {
                    long size = Files.size(file);
                    if (remove(file)) {
                        removed++;
                        bytes += size;
                    }
                }
            } catch (IOException | RuntimeException e) {
                // One table that cannot be read must not keep the others' files for ever.
                failed++;
                LOG.warn(
                        "Files of table '{}' in project '{}' that no version holds are not removed: {}",
                        table.name(),
                        table.project(),
                        e.toString());
            }
        }
        return new Collected(removed, bytes, failed);
    }

    /** Whether it is gone; not while a backup copies it. */
    private boolean remove(Path file) {
        return deletions.unlessHeld(() -> {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }
}
