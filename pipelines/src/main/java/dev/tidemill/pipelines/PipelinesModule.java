package dev.tidemill.pipelines;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.pipelines.api.PipelineDefinitionKind;
import dev.tidemill.pipelines.api.PipelineRoutes;
import dev.tidemill.pipelines.domain.Leases;
import dev.tidemill.pipelines.domain.MadeBySteps;
import dev.tidemill.pipelines.domain.PipelineStore;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.pipelines.domain.RunRetention;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.pipelines.domain.StepLog;
import dev.tidemill.pipelines.domain.StepWorker;
import dev.tidemill.pipelines.logs.FileStepLog;
import dev.tidemill.pipelines.store.SqlEndedRuns;
import dev.tidemill.pipelines.store.SqlPipelineStore;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Wires pipelines. Domains to the right add their step kinds before the worker starts. */
public final class PipelinesModule {
    private final Database database;
    private final Clock clock;
    private final PipelineStore store;
    private final Pipelines pipelines;
    private final StepLog log;
    private final Map<String, StepKind> kinds = new ConcurrentHashMap<>();

    public PipelinesModule(Database database, EventLog events, Clock clock, Path logs) {
        this.database = database;
        this.clock = clock;
        this.store = new SqlPipelineStore(database);
        this.pipelines = new Pipelines(store, database, events, clock);
        this.log = new FileStepLog(logs, clock);
    }

    public PipelinesModule add(StepKind kind) {
        if (kinds.put(kind.name(), kind) != null) {
            throw new IllegalStateException("step kind added twice: " + kind.name());
        }
        return this;
    }

    public Pipelines pipelines() {
        return pipelines;
    }

    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(new PipelineDefinitionKind(pipelines, kinds));
    }

    /**
     * @param slots steps at a time
     * @param alone whether no other process shares the database
     */
    public StepWorker worker(int slots, boolean alone) {
        return worker(slots, alone, Leases.DEFAULT);
    }

    StepWorker worker(int slots, boolean alone, Leases leases) {
        return new StepWorker(store, pipelines, database, kinds, log, clock, slots, alone, leases);
    }

    /**
     * @param made runs with a step that something names as what made it stay
     * @param release lets go of a blob, or a folder with its files
     * @param deletions keeps logs while a backup copies them
     */
    public RunRetention retention(MadeBySteps made, Consumer<Digest> release, DeletionHold deletions) {
        return new RunRetention(new SqlEndedRuns(database), made, log, database, release, deletions);
    }

    public List<Route> routes() {
        return new PipelineRoutes(pipelines, log).routes();
    }
}
