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
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Answers by name: a deployment's by its plan, else a registered model's own. A new plan's models are loaded and tried before
 * it replaces the old one in a single reference, so no request ever finds a model missing. Needs no database. Thread-safe.
 */
public final class Gateway implements AutoCloseable {
    /** Why a name is absent whose model nobody has had the time to load yet. */
    public static final String LOADING = "its model is still being loaded";

    private static final String CHAMPION = "champion";
    private static final String CHALLENGER = "challenger";

    private final ModelRepository repository;
    private final PredictionJournal journal;
    private final FeatureLookup features;
    private final ServedPlans plans;
    private final CallRecords records;
    private final ShadowCalls shadows = new ShadowCalls();
    private final PlannedCalls planned;

    public Gateway(
            ModelCache cache,
            ModelCatalog catalog,
            PredictionJournal journal,
            PayloadLog payloads,
            FeatureLookup features,
            Clock clock) {
        this.features = features;
        this.plans = new ServedPlans(cache);
        this.repository = new ModelRepository(catalog, cache);
        this.journal = journal;
        this.records = new CallRecords(payloads, clock);
        this.planned = new PlannedCalls(journal, records, features, shadows, clock);
    }

    /** What tells deployments of all projects apart in maps: neither part can hold the sign between them. */
    public static String key(String project, String name) {
        return project + "~" + name;
    }

    /** What a person is told of a failure to load. */
    public static String reason(@Nullable Throwable failure) {
        return failure == null ? "null" : TidemillException.said(failure);
    }

    public void forgetAll() {
        plans.forget();
        records.forget();
        repository.forget();
    }

    /**
     * Takes up a plan, unless a newer revision is there. A challenger that cannot be loaded is left out.
     *
     * @return why the challenger was left out
     * @throws RuntimeException if the champion cannot be loaded; what was served before stays
     */
    public Optional<RuntimeException> apply(ServingPlan plan) {
        return plans.apply(plan);
    }

    /** Tells that a deployment has no champion yet; without effect once there is a plan for it. */
    public void vacant(Vacancy vacancy) {
        plans.vacant(vacancy);
    }

    /** Tells that a name is to be served by plan and cannot be yet, and why; callers are refused with it, not sent elsewhere. */
    public void absent(String project, String name, String reason) {
        plans.absent(project, name, reason);
    }

    /**
     * Closes what was loaded with more trust than a version has now, once its calls are answered. Plans that want the version are to
     * be applied anew.
     */
    public void trustChanged(ServedVersion now) {
        repository.trustChanged(now);
        plans.trustChanged(now);
    }

    /** Whether what is served under a name calls a model that may not be called any more; its plan is to be applied anew. */
    public boolean isStale(String project, String name) {
        return plans.isStale(project, name);
    }

    /** Stops serving a deployment. */
    public void forget(String project, String name) {
        plans.forget(project, name);
        retainRecords(plans.snapshot());
    }

    /** Everything that is to be served by plan. */
    public PlanSnapshot snapshot() {
        return plans.snapshot();
    }

    /**
     * Takes up every plan of a snapshot, each by itself, and stops serving what it does not hold.
     *
     * @return why some could not be taken up yet, by project and name; empty if all are served
     */
    public Map<String, String> replaceAll(PlanSnapshot snapshot) {
        Map<String, String> problems = plans.replaceAll(snapshot);
        retainRecords(snapshot);
        return problems;
    }

    private void retainRecords(PlanSnapshot snapshot) {
        Set<String> kept = snapshot.plans().stream()
                .map(plan -> key(plan.project(), plan.name()))
                .collect(Collectors.toSet());
        records.retain(kept);
        shadows.retain(kept);
        planned.retain(kept);
    }

    /** Why nothing answers where no side of a plan does; empty if a registered model may. */
    private Optional<TidemillException> hindrance(String project, String name, Optional<String> version) {
        ServedPlans.Absence absence = plans.absence(project, name);
        if (absence == null && plans.isAwaited(project, name)) {
            absence = new ServedPlans.Absence(project, name, LOADING);
        }
        if (absence != null) {
            return Optional.of(new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "Deployment '" + name + "' cannot be served now: " + absence.reason())
                    .remedy("It is tried again by itself; meanwhile another version can be put in its place"));
        }
        Vacancy vacancy = plans.vacancy(project, name);
        String asked = version.orElse(CHAMPION);
        return vacancy != null && (asked.equals(CHAMPION) || asked.equals(CHALLENGER))
                ? Optional.of(vacancy.refusal())
                : Optional.empty();
    }

    /** The registered model that answers where no side of a plan does. */
    private String registered(@Nullable Serving serving, String project, String name, Optional<String> version) {
        if (serving != null) {
            return serving.plan().champion().model();
        }
        hindrance(project, name, version).ifPresent(hindrance -> {
            throw hindrance;
        });
        Vacancy vacancy = plans.vacancy(project, name);
        return vacancy == null ? name : vacancy.model();
    }

    /** Whether a deployment has a name, be it served or not. */
    private boolean isDeployment(String project, String name) {
        return plans.find(project, name) != null
                || plans.absence(project, name) != null
                || plans.isAwaited(project, name)
                || plans.vacancy(project, name) != null;
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
        String registered = registered(serving, project, name, version);
        ServedVersion found = repository.resolve(project, registered, version);
        try (Held held = repository.hold(project, registered, version, found)) {
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
        return (serving != null || hindrance(project, name, version).isEmpty())
                && !repository.isUnloaded(project, name)
                && repository.isLoaded(
                        repository.resolve(project, registered(serving, project, name, version), version));
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
        for (ServedPlans.Absence absence : plans.absences()) {
            if (absence.project().equals(project)) {
                entries.add(
                        new IndexEntry(project, absence.name(), plans.wantedVersion(absence), false, absence.reason()));
            }
        }
        for (Vacancy vacancy : plans.vacancies()) {
            if (vacancy.project().equals(project)) {
                entries.add(new IndexEntry(project, vacancy.name(), 0, false, "it has no champion yet"));
            }
        }
        for (ServedVersion version : repository.list(project)) {
            if (!isDeployment(project, version.model())) {
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
            repository.load(project, registered(null, project, name, Optional.empty()));
        }
    }

    /** @throws TidemillException {@code FAILED_PRECONDITION} for a deployment */
    public void unload(String project, String name) {
        if (isDeployment(project, name)) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION, "'" + name + "' is a deployment; it cannot be unloaded")
                    .remedy("Delete the deployment instead");
        }
        repository.unload(project, name);
    }

    public LiveStatistics.Snapshot live(String project, String name) {
        return records.live(project, name).snapshot();
    }

    /** Figures since this process began, of the thousand versions that were called last. */
    public List<VersionStatistics> statistics() {
        return records.statistics();
    }

    /** Waits until all predictions of a deployment so far are journalled. */
    public void flushJournal(String project, String name) {
        journal.flush(project, name);
    }

    public long droppedPredictions() {
        return journal.dropped();
    }

    /** Predictions of a deployment that were answered but not journalled, since this process began. */
    public long droppedPredictions(String project, String name) {
        return journal.dropped(project, name);
    }

    /** Which of them was the newest, and why it was not journalled; empty if all were. */
    public Optional<String> dropReason(String project, String name) {
        return journal.dropReason(project, name);
    }

    /** Whether a prediction is known to have been answered but not journalled. */
    public boolean isLost(String project, String name, String predictionId) {
        return journal.isLost(project, name, predictionId);
    }

    /** Files of waiting predictions that are kept because they could not be read as a whole. */
    public long unreadableJournals() {
        return journal.unreadable();
    }

    /** Bytes of predictions that wait in files for the sink. */
    public long journalBytes() {
        return journal.bytes();
    }

    /**
     * Answers a request.
     *
     * @param version number or alias that must answer; none lets the plan decide, or takes the newest
     */
    public InferenceAnswer infer(String project, String name, Optional<String> version, InferenceRequest request) {
        while (true) {
            Serving serving = plans.find(project, name);
            Optional<Side> side = serving == null ? Optional.empty() : side(serving.plan(), version, request);
            if (serving == null || side.isEmpty()) {
                return single(project, name, registered(serving, project, name, version), version, request);
            }
            Optional<InferenceAnswer> answer =
                    planned.answer(serving, side.get() == Side.CHALLENGER, version.isPresent(), request);
            if (answer.isPresent()) {
                return answer.get();
            }
        }
    }

    private enum Side {
        CHAMPION,
        CHALLENGER
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

    private InferenceAnswer single(
            String project, String name, String registered, Optional<String> version, InferenceRequest request) {
        ServedVersion found = repository.resolve(project, registered, version);
        CallRecords.Call record = records.begin(project, name, request);
        try (Held held = repository.hold(project, registered, version, found)) {
            LoadedModel model = held.handle().model();
            long computing = System.nanoTime();
            Calls.Outcome called = held.handle()
                    .call(
                            features.fitted(model, held.version(), request, InputPolicy.REFUSE, List.of()),
                            request.context(model, request.context().cancellation()));
            record.answered(held.version(), Route.REGISTERED, called, System.nanoTime() - computing);
            return InferenceAnswer.of(held.version(), Route.REGISTERED, model, called.outputs(), List.of());
        } catch (TidemillException e) {
            record.failed(found, Route.REGISTERED, Optional.of(e.message()));
            throw e;
        } catch (RuntimeException | Error e) {
            record.failed(found, Route.REGISTERED, Optional.empty());
            throw e;
        }
    }

    /** What became of the payloads that were to be logged. */
    public List<PayloadLog.Figures> payloadFigures() {
        return records.payloadFigures();
    }

    /** Ends what is made after answers. */
    @Override
    public void close() {
        shadows.close();
    }
}
