package dev.tidemill.inference.domain;

import dev.tidemill.inference.domain.ModelRepository.Held;
import dev.tidemill.inference.domain.ServedPlans.Serving;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Answers by name: a deployment's by its plan, else a registered model's own. A new plan's models are loaded and tried before
 * it replaces the old one in a single reference, so no request ever finds a model missing. Needs no database. Thread-safe.
 */
public final class Gateway {
    private static final String CHAMPION = "champion";
    private static final String CHALLENGER = "challenger";

    private final ModelRepository repository;
    private final PredictionJournal journal;
    private final PayloadLog payloads;
    private final FeatureLookup features;
    private final Clock clock;
    private final ServedPlans plans;
    private final ConcurrentMap<String, LiveStatistics> live = new ConcurrentHashMap<>();
    private final ConcurrentMap<StatisticsKey, ModelStatistics> statistics = new ConcurrentHashMap<>();

    private record StatisticsKey(String project, String name, int version) {}

    public Gateway(
            ModelCache cache,
            ModelCatalog catalog,
            PredictionJournal journal,
            PayloadLog payloads,
            FeatureLookup features,
            Clock clock) {
        this.features = features;
        this.payloads = payloads;
        this.plans = new ServedPlans(cache);
        this.repository = new ModelRepository(catalog, cache);
        this.journal = journal;
        this.clock = clock;
    }

    static String key(String project, String name) {
        return project + "~" + name;
    }

    public void forgetAll() {
        plans.forget();
        live.clear();
        statistics.clear();
        repository.forget();
    }

    /** Takes up a plan, unless a newer revision is there. */
    public void apply(ServingPlan plan) {
        plans.apply(plan);
    }

    /** Everything that is served by plan now. */
    public PlanSnapshot snapshot() {
        return plans.snapshot();
    }

    /** Takes up every plan of a snapshot and stops serving what it does not hold. */
    public void replaceAll(PlanSnapshot snapshot) {
        live.keySet().retainAll(plans.replaceAll(snapshot));
    }

    /** Waits until what is served differs from a snapshot's version, at most so long; gives what is served then. */
    public PlanSnapshot awaitOtherThan(String version, Duration atMost) throws InterruptedException {
        return plans.awaitOtherThan(version, atMost);
    }

    /**
     * What clients may know of a model; loads it if need be.
     *
     * @param version number or alias; none for the default
     */
    public ServedModel model(String project, String name, Optional<String> version) {
        Serving serving = plans.find(project, name);
        if (serving != null && served(serving.plan(), version).isPresent()) {
            boolean challenger = served(serving.plan(), version).get() == Side.CHALLENGER;
            LoadedModel model = (challenger ? serving.challenger().orElseThrow() : serving.champion()).model();
            var versions =
                    new ArrayList<Integer>(List.of(serving.plan().champion().version()));
            serving.plan()
                    .challenger()
                    .ifPresent(trial -> versions.add(trial.version().version()));
            return described(versions, model);
        }
        ServedVersion found = repository.resolve(project, registered(serving, name), version);
        try (Held held = repository.hold(project, registered(serving, name), version, found)) {
            return described(List.of(held.version().version()), held.handle().model());
        }
    }

    private static ServedModel described(List<Integer> versions, LoadedModel model) {
        return new ServedModel(
                versions, model.platform(), model.inputs(), model.outputs(), model.classes(), model.batching());
    }

    /** Whether a model would answer now, without loading anything. */
    public boolean isReady(String project, String name, Optional<String> version) {
        Serving serving = plans.find(project, name);
        if (serving != null && served(serving.plan(), version).isPresent()) {
            return true;
        }
        return !repository.isUnloaded(project, name)
                && repository.isLoaded(repository.resolve(project, registered(serving, name), version));
    }

    /** The same, and if so asked only what is in memory. */
    public List<IndexEntry> index(String project, boolean onlyReady) {
        return index(project).stream()
                .filter(entry -> entry.ready() || !onlyReady)
                .toList();
    }

    /** The deployments of a project and its registered models. */
    public List<IndexEntry> index(String project) {
        var entries = new ArrayList<IndexEntry>();
        for (Serving serving : plans.all()) {
            if (serving.plan().project().equals(project)) {
                entries.add(new IndexEntry(
                        project,
                        serving.plan().name(),
                        serving.plan().champion().version(),
                        true,
                        ""));
            }
        }
        for (ServedVersion version : repository.list(project)) {
            if (plans.find(project, version.model()) == null) {
                boolean unloaded = repository.isUnloaded(project, version.model());
                boolean ready = !unloaded && repository.isLoaded(version);
                String reason = ready ? "" : unloaded ? "unloaded" : "loaded at the first call";
                entries.add(new IndexEntry(project, version.model(), version.version(), ready, reason));
            }
        }
        entries.sort(java.util.Comparator.comparing(IndexEntry::name));
        return entries;
    }

    /** Brings a registered model into memory; a deployment is there already. */
    public void load(String project, String name) {
        if (plans.find(project, name) == null) {
            repository.load(project, name);
        }
    }

    /** @throws TidemillException {@code FAILED_PRECONDITION} for a deployment */
    public void unload(String project, String name) {
        if (plans.find(project, name) != null) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION, "'" + name + "' is a deployment; it cannot be unloaded")
                    .remedy("Delete the deployment instead");
        }
        repository.unload(project, name);
    }

    public LiveStatistics.Snapshot live(String project, String name) {
        return live(key(project, name)).snapshot();
    }

    private LiveStatistics live(String key) {
        return live.computeIfAbsent(key, unused -> new LiveStatistics());
    }

    /** Figures of every version that has been called since this process began. */
    public List<VersionStatistics> statistics() {
        return statistics.entrySet().stream()
                .map(one -> new VersionStatistics(
                        one.getKey().project(),
                        one.getKey().name(),
                        one.getKey().version(),
                        one.getValue().snapshot()))
                .sorted(java.util.Comparator.comparing(VersionStatistics::project)
                        .thenComparing(VersionStatistics::name)
                        .thenComparing(VersionStatistics::version))
                .toList();
    }

    private ModelStatistics statistics(String project, String name, int version) {
        return statistics.computeIfAbsent(new StatisticsKey(project, name, version), unused -> new ModelStatistics());
    }

    /** Waits until all predictions so far are journalled. */
    public void flushJournal() {
        journal.flush();
    }

    public long droppedPredictions() {
        return journal.dropped();
    }

    /**
     * Answers a request.
     *
     * @param version number or alias that must answer; none lets the plan decide, or takes the newest
     */
    public InferenceAnswer infer(String project, String name, Optional<String> version, InferenceRequest request) {
        long started = System.nanoTime();
        while (true) {
            Serving serving = plans.find(project, name);
            Optional<Side> side = serving == null ? Optional.empty() : side(serving.plan(), version, request);
            if (serving == null || side.isEmpty()) {
                return single(project, name, registered(serving, name), version, request, started);
            }
            Optional<InferenceAnswer> answer = planned(serving, side.get(), request, started);
            if (answer.isPresent()) {
                return answer.get();
            }
        }
    }

    private enum Side {
        CHAMPION,
        CHALLENGER
    }

    private static String registered(@org.jspecify.annotations.Nullable Serving serving, String name) {
        return serving == null ? name : serving.plan().champion().model();
    }

    private static Optional<Side> side(ServingPlan plan, Optional<String> version, InferenceRequest request) {
        if (version.isPresent()) {
            return served(plan, version);
        }
        boolean toChallenger = plan.challenger()
                .map(trial -> trial.share() > 0 && draw(plan.name(), request) < trial.share())
                .orElse(false);
        return Optional.of(toChallenger ? Side.CHALLENGER : Side.CHAMPION);
    }

    /** Which side of a plan a version or alias is; empty if it is neither. */
    private static Optional<Side> served(ServingPlan plan, Optional<String> version) {
        String text = version.orElse(CHAMPION);
        if (text.equals(CHAMPION)
                || text.equals(Integer.toString(plan.champion().version()))) {
            return Optional.of(Side.CHAMPION);
        }
        return plan.challenger()
                .filter(trial -> text.equals(CHALLENGER)
                        || text.equals(Integer.toString(trial.version().version())))
                .map(trial -> Side.CHALLENGER);
    }

    /** A number in [0, 1) that depends only on whom the request is about, so that a caller keeps its route. */
    private static double draw(String name, InferenceRequest request) {
        String hash = Ids.sha256(name + "\n" + request.entity().orElse(request.id()));
        return Long.parseLong(hash.substring(0, 13), 16) / (double) (1L << 52);
    }

    /** Answers by a plan, both sides scoring; empty if the plan has been replaced and its models closed meanwhile. */
    private Optional<InferenceAnswer> planned(Serving serving, Side side, InferenceRequest request, long started) {
        if (!serving.champion().enter()) {
            return Optional.empty();
        }
        try {
            if (serving.challenger().isPresent() && !serving.challenger().get().enter()) {
                return Optional.empty();
            }
            try {
                return Optional.of(scored(serving, side, request, started));
            } finally {
                serving.challenger().ifPresent(ModelHandle::leave);
            }
        } finally {
            serving.champion().leave();
        }
    }

    private InferenceAnswer scored(Serving serving, Side side, InferenceRequest request, long started) {
        ServingPlan plan = serving.plan();
        boolean toChallenger = side == Side.CHALLENGER;
        ServedVersion version = toChallenger ? plan.challenger().orElseThrow().version() : plan.champion();
        ModelStatistics figures = statistics(plan.project(), plan.name(), version.version());
        boolean failed = true;
        boolean logged = payloads.samples();
        try {
            long computing = System.nanoTime();
            List<Tensor> fitted = fitted(serving.champion(), plan.champion(), request);
            Calls.Outcome called = serving.champion().call(fitted);
            List<Tensor> champion = called.outputs();
            List<Tensor> challenger = serving.challenger()
                    .map(handle -> handle.call(fitted(
                                    handle, plan.challenger().orElseThrow().version(), request))
                            .outputs())
                    .orElseGet(List::of);
            long computed = System.nanoTime() - computing;
            JournalEntries.of(plan, request, fitted, toChallenger, champion, challenger, clock.instant())
                    .forEach(journal::add);
            figures.succeeded(System.nanoTime() - started, computed, request.rows(), called.executed(), clock.millis());
            failed = false;
            List<Tensor> outputs = toChallenger ? challenger : champion;
            if (logged) {
                log(plan.project(), plan.name(), version, toChallenger, request, outputs, Optional.empty(), started);
            }
            ModelHandle answered = toChallenger ? serving.challenger().orElseThrow() : serving.champion();
            return new InferenceAnswer(
                    version, toChallenger, outputs, answered.model().classes());
        } catch (TidemillException e) {
            if (logged) {
                log(
                        plan.project(),
                        plan.name(),
                        version,
                        toChallenger,
                        request,
                        List.of(),
                        Optional.of(e.message()),
                        started);
            }
            throw e;
        } finally {
            if (failed) {
                figures.failed(System.nanoTime() - started, clock.millis());
            }
            live(key(plan.project(), plan.name())).record(System.nanoTime() - started, failed);
        }
    }

    private List<Tensor> fitted(ModelHandle handle, ServedVersion version, InferenceRequest request) {
        List<TensorSpec> inputs = handle.model().inputs();
        return InputBinding.fit(inputs, features.completed(version, inputs, request.inputs()));
    }

    private InferenceAnswer single(
            String project,
            String name,
            String registered,
            Optional<String> version,
            InferenceRequest request,
            long started) {
        ServedVersion found = repository.resolve(project, registered, version);
        ModelStatistics figures = statistics(project, name, found.version());
        boolean failed = true;
        boolean logged = payloads.samples();
        try (Held held = repository.hold(project, registered, version, found)) {
            long computing = System.nanoTime();
            Calls.Outcome called = held.handle().call(fitted(held.handle(), held.version(), request));
            figures.succeeded(
                    System.nanoTime() - started,
                    System.nanoTime() - computing,
                    request.rows(),
                    called.executed(),
                    clock.millis());
            failed = false;
            if (logged) {
                log(project, name, held.version(), false, request, called.outputs(), Optional.empty(), started);
            }
            return new InferenceAnswer(
                    held.version(),
                    false,
                    called.outputs(),
                    held.handle().model().classes());
        } catch (TidemillException e) {
            if (logged) {
                log(project, name, found, false, request, List.of(), Optional.of(e.message()), started);
            }
            throw e;
        } finally {
            if (failed) {
                figures.failed(System.nanoTime() - started, clock.millis());
            }
        }
    }

    private void log(
            String project,
            String name,
            ServedVersion version,
            boolean challenger,
            InferenceRequest request,
            List<Tensor> outputs,
            Optional<String> error,
            long started) {
        payloads.add(new Payload(
                project,
                name,
                version,
                challenger,
                clock.instant(),
                System.nanoTime() - started,
                request,
                outputs,
                error));
    }

    /** What became of the payloads that were to be logged. */
    public List<PayloadLog.Figures> payloadFigures() {
        return payloads.figures();
    }
}
