package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Takes in what another tracking server knew: ids, times and states stay as they were. Everything may be told again, so that an
 * import which was interrupted goes on where it was. Thread-safe.
 */
public final class Imports {
    private final ExperimentStore experiments;
    private final RunStore runs;
    private final LoggedModelStore models;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private final String artifactRoot;

    public Imports(
            ExperimentStore experiments,
            RunStore runs,
            LoggedModelStore models,
            Transactions transactions,
            EventLog events,
            Clock clock,
            String artifactRoot) {
        this.experiments = experiments;
        this.runs = runs;
        this.models = models;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
        this.artifactRoot = artifactRoot;
    }

    /** An experiment as its server knew it. */
    public record TakenExperiment(
            long id, String name, boolean deleted, Instant createdAt, Instant updatedAt, Map<String, String> tags) {}

    /**
     * Takes in an experiment: under its own id where that is free, else under a new one; into the one of its name where there is
     * one already.
     */
    public Experiment experiment(String project, TakenExperiment told, String actor) {
        Limits.experimentName(told.name());
        return transactions.write(() -> {
            Optional<Experiment> there = experiments.findByName(project, told.name());
            long id = there.map(Experiment::id).orElseGet(() -> insert(project, told, actor));
            told.tags()
                    .forEach((name, value) -> experiments.putTag(
                            id,
                            Limits.length("key", name),
                            value.substring(0, Math.min(value.length(), Limits.EXPERIMENT_TAG_VALUE))));
            return experiments.find(project, id).orElseThrow();
        });
    }

    private long insert(String project, TakenExperiment told, String actor) {
        boolean kept = experiments.insertAs(told.id(), project, told.name(), artifactRoot, told.createdAt());
        long id = kept
                ? told.id()
                : experiments
                        .insert(project, told.name(), Optional.empty(), artifactRoot, told.createdAt())
                        .orElseThrow()
                        .id();
        experiments.update(id, told.name(), told.deleted(), told.updatedAt());
        events.append(Event.of("experiment.imported", project, "experiment/" + id, actor, Map.of("name", told.name())));
        return id;
    }

    /**
     * Takes in a run with everything but its points.
     *
     * @param told its experiment's id is the one here; its artifacts go below that experiment
     * @return false if it was there already; params and tags are completed then
     */
    public boolean run(String project, Run told, String actor) {
        var params = new TreeMap<String, String>();
        told.params().forEach((name, value) -> params.put(Limits.key("Param", name), Limits.paramValue(name, value)));
        var tags = new HashMap<String, String>();
        told.tags().forEach((name, value) -> tags.put(Limits.length("key", name), Limits.runTagValue(value)));
        return transactions.write(() -> {
            Experiment experiment = experiments
                    .find(project, told.experimentId())
                    .orElseThrow(() -> TidemillException.notFound("experiment", told.experimentId()));
            Run run = Run.started(told.id(), experiment, told.name(), Optional.empty(), told.user(), told.startedAt());
            boolean fresh = runs.insert(run);
            RunStore.RunState state = runs.findState(project, told.id())
                    .orElseThrow(() -> new TidemillException(
                                    ErrorCode.CONFLICT, "Run " + told.id() + " is in another project of this server")
                            .remedy("Import into that project, or into a server of its own"));
            runs.update(state, Optional.of(told.name()), Optional.of(told.status()), told.endedAt());
            if (!params.isEmpty()) {
                runs.addParams(state, params);
            }
            runs.putTags(state, tags);
            runs.addInputs(state, told.inputs());
            runs.addModels(state, told.models());
            if (told.deleted() != state.deleted()) {
                runs.setDeleted(state, told.deleted(), clock.instant());
            }
            if (fresh) {
                events.append(Event.of("run.imported", project, "run/" + told.id(), actor, Map.of()));
            }
            return fresh;
        });
    }

    /** Takes in points of a run, deleted or not; those that are there already change nothing. */
    public void points(String project, RunId id, List<MetricPoint> points) {
        points.forEach(point -> Limits.key("Metric", point.name()));
        transactions.write(() -> runs.addPoints(
                runs.findState(project, id)
                        .orElseThrow(
                                () -> new TidemillException(ErrorCode.NOT_FOUND, "Run with id=" + id + " not found")),
                points));
    }

    /** Takes in a logged model; false if it was there already. */
    public boolean loggedModel(String project, LoggedModel told) {
        return transactions.write(() -> {
            if (models.find(project, told.id()).isPresent()) {
                return false;
            }
            Experiment experiment = experiments
                    .find(project, told.experimentId())
                    .orElseThrow(() -> TidemillException.notFound("experiment", told.experimentId()));
            models.insert(new LoggedModel(
                    told.id(),
                    project,
                    experiment.id(),
                    told.name(),
                    told.modelType(),
                    told.status(),
                    told.statusMessage(),
                    told.sourceRun(),
                    experiment.artifactLocation() + "/models/" + told.id() + "/artifacts",
                    false,
                    told.createdAt(),
                    told.updatedAt(),
                    Map.of(),
                    Map.of(),
                    List.of()));
            models.putParams(told.id(), told.params());
            models.putTags(told.id(), told.tags(), told.updatedAt());
            models.addMetrics(told.id(), told.metrics());
            return true;
        });
    }
}
