package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.tracking.domain.RunStore.Found;
import dev.tidemill.tracking.domain.RunStore.RunState;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;

/** Runs and what is logged to them. Thread-safe. */
public final class Tracking {
    /** The tag under which clients keep a run's name. */
    public static final String NAME_TAG = "mlflow.runName";

    private final RunStore store;
    private final LoggedModelStore models;
    private final Experiments experiments;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    public Tracking(
            RunStore store,
            LoggedModelStore models,
            Experiments experiments,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.store = store;
        this.models = models;
        this.experiments = experiments;
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
            Experiment group = experiments.ensure(project, experiment, actor);
            Run run = Run.started(RunId.next(), group, name, Optional.of(sourceKey), actor, clock.instant());
            store.insert(run);
            store.putTags(state(project, run.id()), Map.of(NAME_TAG, name));
            events.append(Event.of("run.started", project, "run/" + run.id(), actor, Map.of("experiment", experiment))
                    .withCause("pipeline-run/" + sourceKey));
            return run;
        });
    }

    /** Creates a run that a client will log to. */
    public Run create(
            String project,
            String experimentId,
            Optional<String> name,
            String user,
            Optional<Instant> startedAt,
            Map<String, String> tags,
            String actor) {
        return create(
                project,
                RunId.next(),
                experiments -> experiments.active(project, experimentId),
                name,
                user,
                startedAt,
                tags,
                actor);
    }

    /**
     * Creates a run under an id that the client has chosen, in the experiment of a name, made if it is missing; told again it
     * changes nothing.
     *
     * @throws TidemillException {@code CONFLICT} if the id is taken in another project
     */
    public Run createAs(
            String project,
            RunId id,
            String experiment,
            String name,
            String user,
            Instant startedAt,
            Map<String, String> tags,
            String actor) {
        return transactions.write(() -> store.find(project, id)
                .orElseGet(() -> create(
                        project,
                        id,
                        all -> all.active(
                                project,
                                all.ensure(project, Limits.experimentName(experiment), actor)
                                        .reference()),
                        Optional.of(name),
                        user,
                        Optional.of(startedAt),
                        tags,
                        actor)));
    }

    private Run create(
            String project,
            RunId id,
            Function<Experiments, Experiment> home,
            Optional<String> name,
            String user,
            Optional<Instant> startedAt,
            Map<String, String> tags,
            String actor) {
        Optional<String> tagged = Optional.ofNullable(tags.get(NAME_TAG));
        if (name.isPresent() && tagged.isPresent() && !name.equals(tagged)) {
            throw TidemillException.invalid(
                    "run_name",
                    "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='"
                            + name.get() + "', mlflow.runName='" + tagged.get() + "').");
        }
        String chosen = name.or(() -> tagged).orElseGet(RunNames::next);
        var all = new HashMap<>(tags);
        all.put(NAME_TAG, chosen);
        // What a client brings along, such as git#commit, is kept; names are held to the rule where a tag is set by
        // hand.
        all.keySet().forEach(key -> Limits.length("key", key));
        all.replaceAll((key, value) -> Limits.runTagValue(value));
        return transactions.write(() -> {
            Experiment experiment = home.apply(experiments);
            Run run = Run.started(id, experiment, chosen, Optional.empty(), user, startedAt.orElseGet(clock::instant));
            if (!store.insert(run)) {
                throw new TidemillException(ErrorCode.CONFLICT, "Run " + id + " is in another project of this server");
            }
            store.putTags(state(project, run.id()), all);
            events.append(Event.of(
                    "run.started", project, "run/" + run.id(), actor, Map.of("experiment", experiment.name())));
            return run(project, run.id());
        });
    }

    private static void checkTags(Map<String, String> tags) {
        tags.keySet().forEach(key -> Limits.key("Tag", key));
        tags.replaceAll((key, value) -> Limits.runTagValue(value));
    }

    private RunState state(String project, RunId id) {
        return store.findState(project, id).orElseThrow(() -> noRun(id));
    }

    private static TidemillException noRun(RunId id) {
        return new TidemillException(ErrorCode.NOT_FOUND, "Run with id=" + id + " not found");
    }

    private RunState active(String project, RunId id) {
        RunState run = state(project, id);
        if (run.deleted()) {
            throw TidemillException.invalid(
                    "run_id", "The run " + id + " must be in the 'active' state. Current state is deleted.");
        }
        return run;
    }

    /**
     * What a client logs at once; all of it or nothing.
     *
     * @param points of the run, those of models too
     * @param ofModels what of these points belongs to models, by the model's id; ids that the project does not have are passed over
     */
    public record Batch(
            List<MetricPoint> points,
            Map<String, String> params,
            Map<String, String> tags,
            Map<String, List<LoggedModel.Measured>> ofModels) {
        public Batch(List<MetricPoint> points, Map<String, String> params, Map<String, String> tags) {
            this(points, params, tags, Map.of());
        }
    }

    /**
     * Logs a batch.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a param that has another value already
     */
    public void log(String project, RunId id, Batch batch) {
        var params = new TreeMap<String, String>();
        batch.params().forEach((key, value) -> params.put(Limits.key("Param", key), Limits.paramValue(key, value)));
        var tags = new HashMap<>(batch.tags());
        checkTags(tags);
        batch.points().forEach(point -> {
            Limits.key("Metric", point.name());
            if (point.recordedAt().toEpochMilli() < 0) {
                throw TidemillException.invalid(
                        "timestamp",
                        "Invalid value " + point.recordedAt().toEpochMilli()
                                + " for parameter 'timestamp' supplied: it must not be negative");
            }
        });
        transactions.write(() -> {
            RunState run = active(project, id);
            Map<String, String> other = params.isEmpty() ? Map.of() : store.addParams(run, params);
            if (!other.isEmpty()) {
                throw changed(id, params, other);
            }
            store.addPoints(run, batch.points());
            if (!batch.ofModels().isEmpty()) {
                models.addMetrics(project, batch.ofModels());
            }
            store.putTags(run, tags);
            Optional.ofNullable(tags.get(NAME_TAG))
                    .ifPresent(name -> store.update(run, Optional.of(name), Optional.empty(), Optional.empty()));
        });
    }

    private static TidemillException changed(RunId id, Map<String, String> params, Map<String, String> other) {
        if (params.size() == 1) {
            String key = params.keySet().iterator().next();
            return TidemillException.invalid(
                    "params",
                    "Changing param values is not allowed. Param with key='" + key + "' was already logged with value='"
                            + other.get(key) + "' for run ID='" + id + "'. Attempted logging new value '"
                            + params.get(key) + "'.");
        }
        var shown = new ArrayList<String>();
        other.forEach((key, value) -> shown.add(
                "{'key': '" + key + "', 'old_value': '" + value + "', 'new_value': '" + params.get(key) + "'}"));
        return TidemillException.invalid(
                "params",
                "Changing param values is not allowed. Params were already logged='" + shown + "' for run ID='" + id
                        + "'.");
    }

    public void log(
            String project, RunId run, Map<String, String> params, Map<String, String> tags, List<MetricPoint> points) {
        log(project, run, new Batch(points, params, tags));
    }

    public void removeTag(String project, RunId id, String name) {
        transactions.write(() -> {
            if (!store.removeTag(active(project, id), name)) {
                throw new TidemillException(ErrorCode.NOT_FOUND, "No tag with name: " + name + " in run with id " + id);
            }
        });
    }

    public void addInputs(String project, RunId id, List<DataSetInput> inputs, List<ModelLink> read) {
        transactions.write(() -> {
            RunState run = active(project, id);
            store.addInputs(run, inputs);
            store.addModels(run, read);
        });
    }

    public void addOutputs(String project, RunId id, List<ModelLink> made) {
        transactions.write(() -> store.addModels(active(project, id), made));
    }

    /** Changes what is given: state, end and name. Gives the run as {@link #info} does. */
    public Run update(
            String project,
            RunId id,
            Optional<Run.Status> status,
            Optional<Instant> endedAt,
            Optional<String> name,
            String actor) {
        return transactions.write(() -> {
            RunState run = active(project, id);
            store.update(run, name, status, endedAt);
            name.ifPresent(text -> store.putTags(run, Map.of(NAME_TAG, text)));
            status.flatMap(now -> ended(project, id, now, actor)).ifPresent(events::append);
            return info(project, id);
        });
    }

    /** Ends the run of a source, as {@link #start} has it. */
    public void finish(
            String project, RunId id, Run.Status status, Optional<String> modelDigest, String sourceKey, String actor) {
        transactions.write(() -> {
            RunState run = active(project, id);
            store.setModelDigest(run, modelDigest);
            store.update(run, Optional.empty(), Optional.of(status), Optional.of(clock.instant()));
            ended(project, id, status, actor)
                    .ifPresent(event -> events.append(event.withCause("pipeline-run/" + sourceKey)));
        });
    }

    /** What tells that a run has come to an end; empty for a state that is none. */
    private static Optional<Event> ended(String project, RunId id, Run.Status status, String actor) {
        return status == Run.Status.RUNNING || status == Run.Status.SCHEDULED
                ? Optional.empty()
                : Optional.of(Event.of(
                        "run." + status.name().toLowerCase(Locale.ROOT), project, "run/" + id, actor, Map.of()));
    }

    public void delete(String project, RunId id, String actor) {
        transactions.write(() -> {
            RunState run = state(project, id);
            if (run.deleted()) {
                return;
            }
            store.setDeleted(run, true, clock.instant());
            events.append(Event.of("run.deleted", project, "run/" + id, actor, Map.of()));
        });
    }

    public void restore(String project, RunId id, String actor) {
        transactions.write(() -> {
            RunState run = state(project, id);
            if (!run.deleted()) {
                return;
            }
            store.setDeleted(run, false, clock.instant());
            events.append(Event.of("run.restored", project, "run/" + id, actor, Map.of()));
        });
    }

    /** @throws TidemillException {@code NOT_FOUND}, in MLflow's words */
    public Run run(String project, RunId id) {
        return store.find(project, id).orElseThrow(() -> noRun(id));
    }

    /**
     * The run itself, without what is logged to it.
     *
     * @throws TidemillException {@code NOT_FOUND}, in MLflow's words
     */
    public Run info(String project, RunId id) {
        return findInfo(project, id).orElseThrow(() -> noRun(id));
    }

    /** As {@link #info}; empty if the project has no such run. */
    public Optional<Run> findInfo(String project, RunId id) {
        return store.findInfo(project, id);
    }

    public Optional<Run> find(String project, RunId id) {
        return store.find(project, id);
    }

    /** A page of the runs by id, the greatest first; its token is the id before which the next one begins. */
    public Page<Run> runs(String project, Optional<Long> experiment, Optional<String> before, int limit) {
        Found found = store.newest(project, experiment, before, limit);
        return new Page<>(
                found.runs(),
                found.more() ? Optional.of(found.runs().getLast().id().value()) : Optional.empty());
    }

    /** A page of the runs that match: at most so many, fewer where they hold much; its token asks for the rest. */
    public Page<Run> search(String project, RunQuery query, Optional<String> token, int size) {
        var clauses = SearchParser.filter(SearchKeys.RUNS, query.filter());
        var orderings = SearchParser.order(SearchKeys.RUNS, query.order());
        SearchPage page = SearchPage.parse(token);
        var numbers = Experiments.numbers(query.experimentIds());
        Found found = numbers.isEmpty()
                ? Found.NOTHING
                : store.search(project, numbers, query.lifecycle(), clauses, orderings, page.start(), size);
        if (!found.more()) {
            return new Page<>(found.runs(), Optional.empty());
        }
        Run last = found.runs().getLast();
        return new Page<>(
                found.runs(),
                Optional.of(page.after(
                                found.runs().size(), last.startedAt(), last.id().value())
                        .token()));
    }

    /** Ids of the newest runs that match, at most so many; the order that the query asks for does not count. */
    public List<RunId> ids(String project, RunQuery query, int most) {
        var numbers = Experiments.numbers(query.experimentIds());
        var clauses = SearchParser.filter(SearchKeys.RUNS, query.filter());
        return numbers.isEmpty() ? List.of() : store.ids(project, numbers, query.lifecycle(), clauses, most);
    }

    /** How many runs match. */
    public long count(String project, RunQuery query) {
        var numbers = Experiments.numbers(query.experimentIds());
        var clauses = SearchParser.filter(SearchKeys.RUNS, query.filter());
        return numbers.isEmpty() ? 0 : store.count(project, numbers, query.lifecycle(), clauses);
    }

    /** Names that the newest runs of these experiments use. */
    public RunStore.Names names(String project, List<String> experimentIds) {
        var numbers = Experiments.numbers(experimentIds);
        return numbers.isEmpty() ? new RunStore.Names(List.of(), List.of(), List.of()) : store.names(project, numbers);
    }

    /** What is done to many runs at once. */
    public sealed interface Bulk {
        /** Deletes them; they can be restored. */
        record Delete() implements Bulk {}

        record Restore() implements Bulk {}

        record Tag(String name, String value) implements Bulk {}

        record Untag(String name) implements Bulk {}
    }

    /** Does the same to each run, in transactions of their own; gives how many runs it was done to. */
    public int all(String project, List<RunId> ids, Bulk what, String actor) {
        int done = 0;
        for (RunId id : ids) {
            done += transactions.write(() -> one(project, id, what, actor)) ? 1 : 0;
        }
        return done;
    }

    private boolean one(String project, RunId id, Bulk what, String actor) {
        Optional<RunState> there = store.findState(project, id);
        if (there.isEmpty()) {
            return false;
        }
        switch (what) {
            case Bulk.Delete() -> delete(project, id, actor);
            case Bulk.Restore() -> restore(project, id, actor);
            case Bulk.Tag(String name, String value) -> {
                var tags = new HashMap<>(Map.of(name, value));
                checkTags(tags);
                store.putTags(there.get(), tags);
            }
            case Bulk.Untag(String name) -> store.removeTag(there.get(), name);
        }
        return true;
    }

    /** A page of a metric's points by time, step and value. */
    public Page<MetricPoint> history(String project, RunId id, String metric, Optional<String> token, int size) {
        RunState run = state(project, id);
        PointPage page = token.map(PointPage::parse).orElseGet(() -> PointPage.first(store.timesFall(run, metric)));
        List<MetricPoint> points = store.history(run, metric, page.byStep(), page.after(), size + 1);
        return points.size() > size
                ? new Page<>(List.copyOf(points.subList(0, size)), Optional.of(page.token(points.get(size - 1))))
                : new Page<>(points, Optional.empty());
    }

    /** Gives every point of a metric; see {@link RunStore#eachPoint}. */
    public void eachPoint(String project, RunId id, String metric, Consumer<MetricPoint> each) {
        store.eachPoint(state(project, id), metric, each);
    }

    /** Steps from the first to the last, both included. */
    public record Span(long first, long last) {
        /** Every step there is. */
        public static final Span ALL = new Span(Long.MIN_VALUE, Long.MAX_VALUE);
    }

    /**
     * A metric's points spread evenly over a span; see {@link RunStore#sample}.
     *
     * @return nothing for a run that is not there
     */
    public List<MetricPoint> sample(String project, RunId id, String metric, Span span, int most) {
        return store.findState(project, id)
                .map(run -> store.sample(run, metric, span, most))
                .orElse(List.of());
    }

    /** A metric's curve within a span, thinned so that no peak is lost; see {@link RunStore#envelope}. */
    public List<MetricPoint> curve(String project, RunId id, String metric, Span span, int buckets) {
        return store.envelope(state(project, id), metric, span, buckets);
    }
}
