package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;

/**
 * Serves models by plan. A new plan's models are loaded and tried before it replaces the old one in a single reference, so
 * no request ever finds a model missing. Needs no database. Thread-safe.
 */
public final class Gateway {
    private record Serving(ServingPlan plan, LoadedModel champion, Optional<LoadedModel> challenger) {}

    private final ModelLoader loader;
    private final PredictionJournal journal;
    private final Clock clock;
    private final ConcurrentMap<String, Serving> servings = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, LiveStatistics> statistics = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    public Gateway(ModelLoader loader, PredictionJournal journal, Clock clock) {
        this.loader = loader;
        this.journal = journal;
        this.clock = clock;
    }

    /** Takes up a plan, unless a newer revision is there. */
    public void apply(ServingPlan plan) {
        var serving = new Serving(
                plan,
                loader.load(plan.champion()),
                plan.challenger().map(challenger -> loader.load(challenger.version())));
        servings.merge(
                key(plan.project(), plan.name()),
                serving,
                (before, after) -> after.plan().revision() >= before.plan().revision() ? after : before);
        announceChange();
    }

    public void forgetAll() {
        servings.clear();
        statistics.clear();
        announceChange();
    }

    /** Everything that is served now. */
    public PlanSnapshot snapshot() {
        return new PlanSnapshot(servings.values().stream().map(Serving::plan).toList());
    }

    /** Takes up every plan of a snapshot and stops serving what it does not hold. */
    public void replaceAll(PlanSnapshot snapshot) {
        snapshot.plans().forEach(this::apply);
        Set<String> kept = snapshot.plans().stream()
                .map(plan -> key(plan.project(), plan.name()))
                .collect(Collectors.toSet());
        servings.keySet().retainAll(kept);
        statistics.keySet().retainAll(kept);
    }

    /** Waits until what is served differs from a snapshot's version, at most so long; gives what is served then. */
    public PlanSnapshot awaitOtherThan(String version, Duration atMost) throws InterruptedException {
        long left = atMost.toNanos();
        lock.lock();
        try {
            PlanSnapshot now = snapshot();
            while (now.version().equals(version) && left > 0) {
                left = changed.awaitNanos(left);
                now = snapshot();
            }
            return now;
        } finally {
            lock.unlock();
        }
    }

    private void announceChange() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static String key(String project, String name) {
        return project + "~" + name;
    }

    private Serving serving(String project, String name) {
        Serving serving = servings.get(key(project, name));
        if (serving == null) {
            throw new TidemillException(ErrorCode.NOT_FOUND, "Request for unknown model: '" + name + "' is not found");
        }
        return serving;
    }

    public ServingPlan plan(String project, String name) {
        return serving(project, name).plan();
    }

    /** The champion in memory, whose inputs describe the model to clients. */
    public LoadedModel champion(String project, String name) {
        return serving(project, name).champion();
    }

    public LiveStatistics.Snapshot live(String project, String name) {
        return statistics(key(project, name)).snapshot();
    }

    private LiveStatistics statistics(String key) {
        return statistics.computeIfAbsent(key, unused -> new LiveStatistics());
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
     * @param version asks for one of the versions served; none lets the plan decide
     */
    public InferenceAnswer infer(String project, String name, Optional<Integer> version, InferenceRequest request) {
        long started = System.nanoTime();
        boolean failed = true;
        try {
            InferenceAnswer answer = route(serving(project, name), version, request);
            failed = false;
            return answer;
        } finally {
            if (servings.containsKey(key(project, name))) {
                statistics(key(project, name)).record(System.nanoTime() - started, failed);
            }
        }
    }

    private InferenceAnswer route(Serving serving, Optional<Integer> version, InferenceRequest request) {
        ServingPlan plan = serving.plan();
        boolean toChallenger = version.map(number -> isChallenger(plan, number))
                .orElseGet(() -> plan.challenger()
                        .map(challenger -> draw(plan.name(), request) < challenger.share())
                        .orElse(false));
        var predictions = new ArrayList<double[]>();
        Instant now = clock.instant();
        for (int row = 0; row < request.rows().size(); row++) {
            Map<String, ?> features = request.rows().get(row);
            double[] champion = serving.champion().predict(features);
            double[] challenger =
                    serving.challenger().map(model -> model.predict(features)).orElseGet(() -> new double[0]);
            predictions.add(toChallenger ? challenger : champion);
            journal.add(new Prediction(
                    plan.project(),
                    plan.name(),
                    request.predictionId(row),
                    request.eventTime(),
                    now,
                    request.rows().get(row),
                    toChallenger,
                    plan.champion().version(),
                    list(champion),
                    plan.challenger().map(trial -> trial.version().version()),
                    list(challenger)));
        }
        ServedVersion answered = toChallenger ? plan.challenger().orElseThrow().version() : plan.champion();
        return new InferenceAnswer(answered, toChallenger, predictions);
    }

    private static boolean isChallenger(ServingPlan plan, int version) {
        if (plan.champion().version() == version) {
            return false;
        }
        if (plan.challenger().map(trial -> trial.version().version() == version).orElse(false)) {
            return true;
        }
        throw new TidemillException(
                ErrorCode.NOT_FOUND,
                "Request for unknown model: version " + version + " of '" + plan.name() + "' is not served");
    }

    /** A number in [0, 1) that depends only on whom the request is about, so that a caller keeps its route. */
    private static double draw(String name, InferenceRequest request) {
        String hash = Ids.sha256(name + "\n" + request.entity().orElse(request.id()));
        return Long.parseLong(hash.substring(0, 13), 16) / (double) (1L << 52);
    }

    private static List<Double> list(double[] values) {
        return Arrays.stream(values).boxed().toList();
    }
}
