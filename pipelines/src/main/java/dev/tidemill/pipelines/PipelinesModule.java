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
import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.ProcessRole;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.threads.Loop;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Wires pipelines. Domains to the right add their step kinds before the worker starts. */
public final class PipelinesModule implements Module {
    public static final Schema SCHEMA = Schema.of(
            "pipelines",
            DigestColumn.text("step_run", "inputs"),
            DigestColumn.text("step_run", "outputs"),
            DigestColumn.text("step_cache", "outputs"));

    private final Database database;
    private final Clock clock;
    private final PipelineStore store;
    private final Pipelines pipelines;
    private final StepLog log;
    private final Map<String, StepKind> kinds = new ConcurrentHashMap<>();
    private final int slots;
    private final boolean alone;
    private Optional<StepWorker> worker = Optional.empty();

    /**
     * @param slots steps that this process executes at a time
     * @param alone whether no other process shares the database
     */
    public PipelinesModule(Database database, EventLog events, Clock clock, Path logs, int slots, boolean alone) {
        this.slots = slots;
        this.alone = alone;
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

    @Override
    public List<DefinitionKind<?>> definitionKinds() {
        return List.of(new PipelineDefinitionKind(pipelines, kinds));
    }

    @Override
    public void start(Set<ProcessRole> roles) {
        if (roles.contains(ProcessRole.WORKER)) {
            var started = worker(slots, Leases.DEFAULT);
            worker = Optional.of(started);
            started.start();
        }
    }

    @Override
    public List<Loop> loops() {
        return worker.map(StepWorker::loops).orElse(List.of());
    }

    StepWorker worker(int slots, Leases leases) {
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

    @Override
    public List<Route> routes() {
        return new PipelineRoutes(pipelines, log).routes();
    }

    @Override
    public void close() {
        worker.ifPresent(StepWorker::close);
    }
}
