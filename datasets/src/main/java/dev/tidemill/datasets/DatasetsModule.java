package dev.tidemill.datasets;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.datasets.api.DataSetDefinitionKind;
import dev.tidemill.datasets.api.DataSetRoutes;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.datasets.duckdb.ChildQueryEngine;
import dev.tidemill.datasets.iceberg.IcebergTables;
import dev.tidemill.datasets.steps.ImportStep;
import dev.tidemill.datasets.store.SqlDataSetStore;
import dev.tidemill.datasets.store.SqlTablePointers;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.pipelines.domain.StepModule;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;

/** Wires data sets. */
public final class DatasetsModule implements StepModule {
    public static final Schema SCHEMA = Schema.of(
            "datasets", DigestColumn.text("data_set", "definition"), DigestColumn.text("data_set_version", "sources"));

    /** For how long files of a table that no version holds may belong to an import that is under way. */
    private static final Duration GRACE = Duration.ofDays(1);

    private final DataSets dataSets;
    private final QueryEngine engine;
    private final BlobStore blobs;
    private final FairTurns turns;
    private final IcebergTables tables;
    private final Clock clock;

    /**
     * @param files holds the files that definitions name
     * @param deletions keeps tables' files while a backup copies them
     */
    public DatasetsModule(
            Database database,
            EventLog events,
            Clock clock,
            Path warehouse,
            BlobStore blobs,
            ArtifactTree files,
            ChildPool steps,
            ChildPool interactive,
            FairTurns turns,
            DeletionHold deletions) {
        this.turns = turns;
        this.clock = clock;
        this.blobs = blobs;
        this.engine = new ChildQueryEngine(steps, interactive);
        this.tables = new IcebergTables(warehouse, new SqlTablePointers(database), database, deletions);
        this.dataSets = new DataSets(new SqlDataSetStore(database), tables, files, database, events, clock);
    }

    public DataSets dataSets() {
        return dataSets;
    }

    /** Removes files that no version holds, such as those of an import that was interrupted. */
    @Override
    public List<Chore> chores() {
        return List.of(new Chore("Tables", () -> {
            var collected = tables.collect(clock.instant().minus(GRACE));
            return Chore.told(
                    collected.files() > 0 || collected.failed() > 0,
                    collected.files() + " files of " + collected.bytes() + " bytes that no version holds are gone"
                            + (collected.failed() > 0 ? "; " + collected.failed() + " tables cannot be read" : ""));
        }));
    }

    public QueryEngine engine() {
        return engine;
    }

    @Override
    public List<StepKind> stepKinds() {
        return List.of(new ImportStep(dataSets, engine, blobs));
    }

    @Override
    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(new DataSetDefinitionKind(dataSets));
    }

    @Override
    public List<Route> routes() {
        return new DataSetRoutes(dataSets, engine, turns).routes();
    }
}
