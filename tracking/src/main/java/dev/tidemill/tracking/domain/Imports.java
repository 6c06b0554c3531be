package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
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
    private final TraceStore traces;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private final String artifactRoot;

    public Imports(
            ExperimentStore experiments,
            RunStore runs,
            LoggedModelStore models,
            TraceStore traces,
            Transactions transactions,
            EventLog events,
            Clock clock,
            String artifactRoot) {
        this.experiments = experiments;
        this.runs = runs;
        this.models = models;
        this.traces = traces;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
        this.artifactRoot = artifactRoot;
    }

    /** An experiment as its server knew it. */
    public record TakenExperiment(
            long id, String name, boolean deleted, Instant createdAt, Instant updatedAt, Map<String, String> tags) {}

    /**
     * What came of taking something in.
     *
     * @param fresh whether it was not there before
     * @param left what of it could not be kept, or only in part; a sentence each
     */
    public record Taken(boolean fresh, List<String> left) {}

    /** An experiment as it is here, and what of it was left. */
    public record Placed(Experiment experiment, List<String> left) {}

    /** Names of any form are kept: another server has accepted them. */
    private static Map<String, String> kept(String what, Map<String, String> told, int longest, List<String> left) {
        var kept = new TreeMap<String, String>();
        told.forEach((name, value) -> {
            if (!isName(name)) {
                left.add(unnamed(what, name));
                return;
            }
            if (value.length() > longest) {
                left.add(what + " '" + name + "' is cut from " + value.length() + " to " + longest + " characters");
            }
            kept.put(name, StorableText.cut(value, longest));
        });
        return kept;
    }

    private static boolean isName(String name) {
        return !name.isEmpty() && name.length() <= Limits.KEY;
    }

    private static String unnamed(String what, String name) {
        return what + " '" + StorableText.cut(name, 80) + "': its name has " + name.length() + " characters, not 1 to "
                + Limits.KEY;
    }

    /** Points with names that can be kept. */
    private static List<MetricPoint> kept(List<MetricPoint> points, List<String> left) {
        points.stream()
                .map(MetricPoint::name)
                .filter(name -> !isName(name))
                .distinct()
                .forEach(name -> left.add(unnamed("metric", name)));
        return points.stream().filter(point -> isName(point.name())).toList();
    }

    /**
     * Takes in an experiment: under its own id where that is free, else under a new one; into the one of its name where there is
     * one already.
     */
    public Placed experiment(String project, TakenExperiment told, String actor) {
        Limits.experimentName(told.name());
        var left = new ArrayList<String>();
        Map<String, String> tags = kept("tag", told.tags(), Limits.EXPERIMENT_TAG_VALUE, left);
        return transactions.write(() -> {
            Optional<Experiment> there = experiments.findByName(project, told.name());
            long id = there.map(Experiment::id).orElseGet(() -> insert(project, told, actor));
            var missing = new TreeMap<>(tags);
            there.ifPresent(known -> missing.keySet().removeAll(known.tags().keySet()));
            missing.forEach((name, value) -> experiments.putTag(id, name, value));
            return new Placed(experiments.find(project, id).orElseThrow(), left);
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
     * @return not fresh if it was there already; params and tags are completed then
     */
    public Taken run(String project, Run told, String actor) {
        var left = new ArrayList<String>();
        Map<String, String> params = kept("param", told.params(), Limits.PARAM_VALUE, left);
        Map<String, String> tags = kept("tag", told.tags(), Limits.RUN_TAG_VALUE, left);
        return transactions.write(() -> {
            Experiment experiment = experiments
                    .find(project, told.experimentId())
                    .orElseThrow(() -> TidemillException.notFound("experiment", told.experimentId()));
            Run run = Run.started(told.id(), experiment, told.name(), Optional.empty(), told.user(), told.startedAt());
            boolean fresh = runs.insert(run);
            RunStore.RunState state =
                    runs.findState(project, told.id()).orElseThrow(() -> elsewhere("Run " + told.id()));
            runs.update(state, Optional.of(told.name()), Optional.of(told.status()), told.endedAt());
            if (!params.isEmpty()) {
                addParams(state, params, left);
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
            return new Taken(fresh, List.copyOf(left));
        });
    }

    /** Ids of runs and logged models are one server's, as MLflow's clients expect: they name no project. */
    private static TidemillException elsewhere(String what) {
        return new TidemillException(ErrorCode.CONFLICT, what + " is in another project of this server")
                .remedy("Import into that project, or into a server of its own");
    }

    private void addParams(RunStore.RunState run, Map<String, String> params, List<String> left) {
        Map<String, String> other = runs.addParams(run, params);
        if (!other.isEmpty()) {
            other.keySet().forEach(name -> left.add("param '" + name + "' has another value here, which stays"));
            var rest = new TreeMap<>(params);
            rest.keySet().removeAll(other.keySet());
            if (!rest.isEmpty()) {
                runs.addParams(run, rest);
            }
        }
    }

    /** Takes in points of a run, deleted or not; those that are there already change nothing. Gives what was left. */
    public List<String> points(String project, RunId id, List<MetricPoint> told) {
        var left = new ArrayList<String>();
        List<MetricPoint> points = kept(told, left);
        transactions.write(() -> runs.addPoints(
                runs.findState(project, id)
                        .orElseThrow(
                                () -> new TidemillException(ErrorCode.NOT_FOUND, "Run with id=" + id + " not found")),
                points));
        return left;
    }

    /**
     * Takes in a trace with its spans and with what was said of it; one that is there already stays as it is.
     *
     * @param told its experiment's id is the one here
     */
    public Taken trace(String project, Trace told, List<TraceSpan> spans) {
        var left = new ArrayList<String>();
        Map<String, String> tags = kept("tag", told.tags(), Limits.RUN_TAG_VALUE, left);
        Map<String, String> metadata = kept("metadata", told.metadata(), Limits.RUN_TAG_VALUE, left);
        return transactions.write(() -> {
            if (traces.find(project, told.id()).isPresent()) {
                return new Taken(false, List.of());
            }
            Experiment experiment = experiments
                    .find(project, told.experimentId())
                    .orElseThrow(() -> TidemillException.notFound("experiment", told.experimentId()));
            traces.put(told);
            tags.put(Trace.LOCATION_TAG, Traces.location(experiment, told.id()));
            tags.remove(Trace.SPANS_TAG);
            if (!spans.isEmpty()) {
                tags.put(Trace.SPANS_TAG, Trace.KEPT_HERE);
                traces.putSpans(project, told.id(), spans);
            }
            metadata.put(Trace.TOLD_METADATA, "true");
            traces.putTags(project, told.id(), tags);
            traces.putMetadata(project, told.id(), metadata);
            told.assessments().forEach(assessment -> traces.insertAssessment(project, assessment));
            int known =
                    traces.find(project, told.id()).orElseThrow().assessments().size();
            if (known < told.assessments().size()) {
                left.add((told.assessments().size() - known)
                        + " assessments: their ids are taken by others on this server");
            }
            return new Taken(true, left);
        });
    }

    /** Takes in a logged model with what was measured of it; one that is there already stays as it is. */
    public Taken loggedModel(String project, LoggedModel told) {
        var left = new ArrayList<String>();
        Map<String, String> params = kept("param", told.params(), Limits.PARAM_VALUE, left);
        Map<String, String> tags = kept("tag", told.tags(), Limits.RUN_TAG_VALUE, left);
        kept(told.metrics().stream().map(LoggedModel.Measured::point).toList(), left);
        return transactions.write(() -> {
            if (models.find(project, told.id()).isPresent()) {
                return new Taken(false, List.of());
            }
            Experiment experiment = experiments
                    .find(project, told.experimentId())
                    .orElseThrow(() -> TidemillException.notFound("experiment", told.experimentId()));
            insert(new LoggedModel(
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
            models.putParams(told.id(), params);
            models.putTags(told.id(), tags, told.updatedAt());
            models.addMetrics(
                    told.id(),
                    told.metrics().stream()
                            .filter(measured -> isName(measured.point().name()))
                            .toList());
            return new Taken(true, left);
        });
    }

    private void insert(LoggedModel model) {
        try {
            models.insert(model);
        } catch (TidemillException e) {
            throw e.code() == ErrorCode.ALREADY_EXISTS ? elsewhere("Logged model " + model.id()) : e;
        }
    }
}
