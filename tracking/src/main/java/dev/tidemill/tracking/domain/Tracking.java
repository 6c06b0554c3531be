package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Experiments and runs. Thread-safe. */
public final class Tracking {
    private final RunStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    public Tracking(RunStore store, Transactions transactions, EventLog events, Clock clock) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** Starts the run of a source, or takes up the one that the source started before it was interrupted. */
    public Run start(String project, String experiment, String name, String sourceKey, String actor) {
        return transactions.write(() -> {
            Optional<Run> earlier = store.findBySource(project, sourceKey);
            if (earlier.isPresent()) {
                return earlier.get();
            }
            Experiment group = store.experiment(project, experiment, clock.instant());
            var run = new Run(
                    RunId.next(),
                    project,
                    group.id(),
                    name,
                    Optional.of(sourceKey),
                    Run.Status.RUNNING,
                    clock.instant(),
                    Optional.empty(),
                    Optional.empty(),
                    Map.of(),
                    Map.of(),
                    Map.of());
            store.insert(run);
            events.append(Event.of("run.started", project, "run/" + run.id(), actor, Map.of("experiment", experiment))
                    .withCause("pipeline-run/" + sourceKey));
            return run;
        });
    }

    public void log(RunId run, Map<String, String> params, Map<String, String> tags, List<MetricPoint> points) {
        transactions.write(() -> {
            store.putParams(run, params);
            store.putTags(run, tags);
            store.addPoints(run, points);
        });
    }

    public void finish(String project, RunId run, Run.Status status, Optional<String> modelDigest, String actor) {
        transactions.write(() -> {
            store.finish(run, status, clock.instant(), modelDigest);
            events.append(Event.of(
                    "run." + status.name().toLowerCase(java.util.Locale.ROOT), project, "run/" + run, actor, Map.of()));
        });
    }

    public Run run(String project, RunId id) {
        return store.find(project, id).orElseThrow(() -> TidemillException.notFound("run", id));
    }

    public List<Run> runs(String project, Optional<Long> experiment, Optional<String> before, int limit) {
        return store.newest(project, experiment, before, limit);
    }

    public List<Experiment> experiments(String project) {
        return store.experiments(project);
    }

    public List<MetricPoint> history(String project, RunId id, String metric, int limit) {
        return store.history(run(project, id).id(), metric, limit);
    }
}
