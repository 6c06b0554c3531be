package dev.tidemill.tracking;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.tracking.api.RetentionRoutes;
import dev.tidemill.tracking.api.RunRoutes;
import dev.tidemill.tracking.api.SavedViewRoutes;
import dev.tidemill.tracking.domain.EvaluationDataSets;
import dev.tidemill.tracking.domain.Experiments;
import dev.tidemill.tracking.domain.Imports;
import dev.tidemill.tracking.domain.LoggedModels;
import dev.tidemill.tracking.domain.Retention;
import dev.tidemill.tracking.domain.Scorers;
import dev.tidemill.tracking.domain.Traces;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.tracking.store.SqlEvaluationStore;
import dev.tidemill.tracking.store.SqlExperimentStore;
import dev.tidemill.tracking.store.SqlLoggedModelStore;
import dev.tidemill.tracking.store.SqlRetentionStore;
import dev.tidemill.tracking.store.SqlRunStore;
import dev.tidemill.tracking.store.SqlSavedViewStore;
import dev.tidemill.tracking.store.SqlScorerStore;
import dev.tidemill.tracking.store.SqlTraceStore;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;

/** Wires tracking. */
public final class TrackingModule implements Module {
    public static final Schema SCHEMA = Schema.of("tracking", DigestColumn.folder("run", "model_digest"));

    private final ArtifactTree tree;
    private final LocatedFiles files;
    private final SqlRunStore runs;
    private final Experiments experiments;
    private final LoggedModels models;
    private final Tracking tracking;
    private final Traces traces;
    private final EvaluationDataSets evaluations;
    private final Scorers scorers;
    private final Imports imports;
    private final Retention retention;
    private final SqlSavedViewStore views;
    private final Clock clock;
    private final long deletedDays;

    /**
     * @param artifactRoot URI below which experiments keep artifacts, without a slash at its end
     * @param deletedDays after how many days deleted runs are gone for good; 0 for never
     */
    public TrackingModule(
            Database database,
            EventLog events,
            Clock clock,
            ArtifactTree tree,
            LocatedFiles files,
            String artifactRoot,
            long deletedDays) {
        this.deletedDays = deletedDays;
        this.tree = tree;
        this.files = files;
        this.runs = new SqlRunStore(database);
        this.experiments =
                new Experiments(new SqlExperimentStore(database), runs, database, events, clock, artifactRoot);
        var modelStore = new SqlLoggedModelStore(database);
        this.models = new LoggedModels(modelStore, experiments, database, events, clock);
        this.tracking = new Tracking(runs, modelStore, experiments, database, events, clock);
        this.clock = clock;
        this.evaluations = new EvaluationDataSets(new SqlEvaluationStore(database), experiments, database, clock);
        var traceStore = new SqlTraceStore(database);
        this.retention = new Retention(new SqlRetentionStore(database), tree, files, database, events);
        this.imports = new Imports(
                new SqlExperimentStore(database), runs, modelStore, traceStore, database, events, clock, artifactRoot);
        this.views = new SqlSavedViewStore(database);
        this.scorers = new Scorers(new SqlScorerStore(database), experiments, database, clock);
        this.traces = new Traces(traceStore, runs, experiments, files, database, clock);
    }

    public Tracking tracking() {
        return tracking;
    }

    @Override
    public List<Chore> chores() {
        return List.of(new Chore("Deleted runs", () -> {
            long gone =
                    retention.apply(deletedDays, clock.instant(), Event.SYSTEM).runs();
            return Chore.told(gone > 0, gone + " are gone, as their retention policies say");
        }));
    }

    public Experiments experiments() {
        return experiments;
    }

    public LoggedModels models() {
        return models;
    }

    public Traces traces() {
        return traces;
    }

    public EvaluationDataSets evaluations() {
        return evaluations;
    }

    public Scorers scorers() {
        return scorers;
    }

    public Imports imports() {
        return imports;
    }

    /** Makes what a virgin server has. */
    @Override
    public void prepare() {
        runs.forget();
        experiments.prepare();
    }

    @Override
    public List<Route> routes() {
        return Stream.of(
                        new RunRoutes(tracking, experiments, files).routes(),
                        new SavedViewRoutes(views, clock).routes(),
                        new RetentionRoutes(retention, clock).routes())
                .flatMap(List::stream)
                .toList();
    }
}
