package dev.tidemill.pipelines.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.platform.time.EventTime;
import java.time.Clock;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Starting, looking at, cancelling and resuming runs. Thread-safe. */
public final class Pipelines {
    private static final int MOST_STEPS = 10_000;
    private static final int KEPT_DEFINITIONS = 256;

    private final PipelineStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    /** Definitions of the runs last asked about: a run's definition never changes, and each of its steps needs it. */
    private final Map<PipelineRunId, Pipeline> definitions = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<PipelineRunId, Pipeline> eldest) {
            return size() > KEPT_DEFINITIONS;
        }
    };

    private final List<Runnable> readyListeners = new CopyOnWriteArrayList<>();
    private final List<java.util.function.Consumer<PipelineRunId>> cancelListeners = new CopyOnWriteArrayList<>();

    public Pipelines(PipelineStore store, Transactions transactions, EventLog events, Clock clock) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    void onReady(Runnable listener) {
        readyListeners.add(listener);
    }

    void onCancel(java.util.function.Consumer<PipelineRunId> listener) {
        cancelListeners.add(listener);
    }

    /** Stores a new version of a pipeline. */
    public void define(String project, String name, int version, String digest, Pipeline pipeline) {
        store.savePipeline(new PipelineStore.PipelineVersion(project, name, version, digest, pipeline));
    }

    public List<PipelineStore.PipelineVersion> list(String project) {
        return store.pipelines(project);
    }

    public PipelineStore.PipelineVersion pipeline(String project, String name) {
        return store.findPipeline(project, name).orElseThrow(() -> TidemillException.notFound("pipeline", name));
    }

    /** A pipeline that may not be defined. */
    public Optional<Pipeline> find(String project, String name) {
        return store.findPipeline(project, name).map(PipelineStore.PipelineVersion::pipeline);
    }

    /**
     * Starts a run.
     *
     * @param parameters values that override the defaults
     * @param requestKey makes starting idempotent: a second start with the same key answers with the first run
     */
    public PipelineRun start(
            String project,
            String name,
            Map<String, String> parameters,
            String actor,
            Optional<String> cause,
            Optional<String> requestKey) {
        return transactions.write(() -> {
            Optional<PipelineRun> earlier = requestKey.flatMap(key -> store.findRunByKey(project, key));
            if (earlier.isPresent()) {
                return earlier.get();
            }
            var version = pipeline(project, name);
            Pipeline pipeline = version.pipeline();
            var run = new PipelineRun(
                    PipelineRunId.next(),
                    project,
                    name,
                    version.version(),
                    requestKey,
                    values(pipeline, parameters),
                    RunState.RUNNING,
                    actor,
                    cause,
                    Optional.empty(),
                    clock.instant(),
                    Optional.empty());
            store.insertRun(run);
            insertSteps(run, pipeline);
            append(run, "pipeline.run.started", Map.of("pipeline", name, "parameters", run.parameters()));
            transactions.afterCommit(this::signalReady);
            return run;
        });
    }

    /**
     * The value of each parameter of a run.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for one that the pipeline has not, lacks or cannot take
     */
    public static Map<String, String> values(Pipeline pipeline, Map<String, String> given) {
        var values = new TreeMap<String, String>();
        var known = pipeline.parameters().stream().map(Pipeline.Parameter::name).toList();
        for (String name : given.keySet()) {
            if (!known.contains(name)) {
                throw TidemillException.invalid(
                        "parameters", "There is no parameter '" + name + "'; there are " + known);
            }
        }
        for (Pipeline.Parameter parameter : pipeline.parameters()) {
            String value = given.containsKey(parameter.name())
                    ? given.get(parameter.name())
                    : parameter.otherwise().orElse(null);
            if (value == null) {
                throw TidemillException.invalid("parameters", "Parameter '" + parameter.name() + "' has no default")
                        .remedy("Give it a value");
            }
            check(parameter, value);
            values.put(parameter.name(), value);
        }
        return values;
    }

    /** Refuses a value that is not of the parameter's type; one whose default is empty may be empty, which steps take for not given. */
    public static void check(Pipeline.Parameter parameter, String value) {
        if (value.isEmpty() && parameter.otherwise().equals(Optional.of(""))) {
            return;
        }
        String field = "parameters." + parameter.name();
        try {
            switch (parameter.type()) {
                case TEXT -> {
                    // any text will do
                }
                case NUMBER -> Double.parseDouble(value);
                case TIMESTAMP -> EventTime.instant(field, value);
                case DURATION -> EventTime.duration(field, value);
            }
        } catch (NumberFormatException e) {
            throw TidemillException.invalid(
                    field, "'" + value + "' is not a " + parameter.type().name().toLowerCase(java.util.Locale.ROOT));
        }
    }

    private void insertSteps(PipelineRun run, Pipeline pipeline) {
        var instances = new HashMap<String, Integer>();
        int total = 0;
        for (Pipeline.Step step : pipeline.steps()) {
            int count = step.choices().size();
            instances.put(step.name(), count);
            total += count;
        }
        if (total > MOST_STEPS) {
            throw TidemillException.invalid("steps", "The run would have " + total + " steps; at most " + MOST_STEPS);
        }
        for (Pipeline.Step step : pipeline.steps()) {
            int remaining = step.needs().stream().mapToInt(instances::get).sum();
            List<Map<String, Object>> choices = step.choices();
            for (int position = 0; position < choices.size(); position++) {
                store.insertStep(
                        new StepRun(
                                run.id(),
                                step.instance(position),
                                step.name(),
                                position,
                                choices.get(position),
                                remaining == 0 ? StepState.READY : StepState.WAITING,
                                0,
                                0,
                                0,
                                false,
                                Map.of(),
                                Map.of(),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty()),
                        remaining,
                        run.createdAt());
            }
        }
    }

    public PipelineRun run(String project, PipelineRunId id) {
        return find(project, id).orElseThrow(() -> TidemillException.notFound("pipeline run", id));
    }

    /** A run; empty for one that is not there, or not any more. */
    public Optional<PipelineRun> find(String project, PipelineRunId id) {
        return store.findRun(project, id);
    }

    public List<StepRun> steps(PipelineRunId id) {
        return store.steps(id);
    }

    /** The definition that a run follows. */
    public Pipeline definition(PipelineRun run) {
        synchronized (definitions) {
            Pipeline known = definitions.get(run.id());
            if (known != null) {
                return known;
            }
        }
        // Loaded outside the lock: whoever holds it must not wait for the database.
        Pipeline loaded = store.findPipeline(run.project(), run.pipeline(), run.pipelineVersion())
                .orElseThrow()
                .pipeline();
        synchronized (definitions) {
            definitions.put(run.id(), loaded);
        }
        return loaded;
    }

    public List<PipelineRun> runs(String project, Optional<String> pipeline, Optional<String> before, int limit) {
        return store.newestRuns(project, pipeline, before, limit);
    }

    public PipelineRun cancel(String project, PipelineRunId id, String actor) {
        return transactions.write(() -> {
            PipelineRun run = run(project, id);
            if (run.state().isFinal()) {
                throw new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "The run is " + run.state() + " already; it cannot be cancelled");
            }
            store.moveRun(id, Set.of(RunState.RUNNING), RunState.CANCELLING, Optional.empty(), clock.instant());
            store.moveSteps(id, Set.of(StepState.WAITING, StepState.READY), StepState.CANCELLED, clock.instant());
            append(run, actor, "pipeline.run.cancelling", Map.of("by", actor));
            settle(run);
            transactions.afterCommit(() -> cancelListeners.forEach(listener -> listener.accept(id)));
            return run(project, id);
        });
    }

    /** Lets a failed or cancelled run go on from its last finished steps. */
    public PipelineRun resume(String project, PipelineRunId id, String actor) {
        return transactions.write(() -> {
            PipelineRun run = run(project, id);
            if (!Set.of(RunState.FAILED, RunState.CANCELLED).contains(run.state())) {
                throw new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "The run is " + run.state() + "; only a failed or cancelled one resumes");
            }
            store.reopen(id, remaining(definition(run), store.steps(id)), clock.instant());
            store.moveRun(id, Set.of(run.state()), RunState.RUNNING, Optional.empty(), clock.instant());
            append(run, actor, "pipeline.run.resumed", Map.of("by", actor));
            transactions.afterCommit(this::signalReady);
            return run(project, id);
        });
    }

    private static Map<String, Integer> remaining(Pipeline pipeline, List<StepRun> steps) {
        var remaining = new HashMap<String, Integer>();
        for (StepRun step : steps) {
            if (step.state() != StepState.SUCCEEDED) {
                List<String> needs = pipeline.step(step.step()).orElseThrow().needs();
                remaining.put(step.name(), (int) steps.stream()
                        .filter(other -> needs.contains(other.step()) && other.state() != StepState.SUCCEEDED)
                        .count());
            }
        }
        return remaining;
    }

    /** Ends the run if nothing of it can go on. Within the caller's transaction. */
    void settle(PipelineRun run) {
        // Of steps that end at once one must be the last.
        store.holdRun(run.id());
        boolean failed = store.states(run.id()).contains(StepState.FAILED);
        if (failed) {
            store.moveSteps(run.id(), Set.of(StepState.WAITING), StepState.SKIPPED, clock.instant());
        }
        Set<StepState> states = store.states(run.id());
        if (!states.stream().allMatch(StepState::isFinal)) {
            return;
        }
        RunState end = failed
                ? RunState.FAILED
                : states.contains(StepState.CANCELLED) ? RunState.CANCELLED : RunState.SUCCEEDED;
        Optional<String> error = store.steps(run.id()).stream()
                .filter(step -> step.state() == StepState.FAILED)
                .findFirst()
                .map(step -> step.name() + ": " + step.error().orElse(""));
        if (store.moveRun(run.id(), Set.of(RunState.RUNNING, RunState.CANCELLING), end, error, clock.instant())) {
            var data = new LinkedHashMap<String, Object>();
            data.put("pipeline", run.pipeline());
            error.ifPresent(text -> data.put("error", text));
            append(run, "pipeline.run." + end.name().toLowerCase(java.util.Locale.ROOT), data);
        }
    }

    /** Notes what became of a run, as done by whoever started it. */
    void append(PipelineRun run, String type, Map<String, ?> data) {
        append(run, run.actor(), type, data);
    }

    private void append(PipelineRun run, String actor, String type, Map<String, ?> data) {
        Event event = Event.of(type, run.project(), "pipeline-run/" + run.id(), actor, data);
        events.append(run.cause().map(event::withCause).orElse(event));
    }

    void signalReady() {
        readyListeners.forEach(Runnable::run);
    }
}
