package dev.tidemill.inference.domain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The plans that are served, with their models in memory. A new plan's models are loaded and tried before it replaces the old
 * one in a single reference. Thread-safe.
 */
final class ServedPlans {
    /** A plan with its models in memory. */
    record Serving(ServingPlan plan, ModelHandle champion, Optional<ModelHandle> challenger) {
        void close() {
            champion.close();
            challenger.ifPresent(ModelHandle::close);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(ServedPlans.class);
    /** How long one plan that loads slowly keeps a snapshot from counting as taken up. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final ModelCache cache;
    private final ConcurrentMap<String, Serving> servings = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, ServingPlan> wanted = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Absence> absences = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Vacancy> vacancies = new ConcurrentHashMap<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    ServedPlans(ModelCache cache) {
        this.cache = cache;
    }

    /** What is served under a name; null if nothing is. */
    @Nullable
    Serving find(String project, String name) {
        return servings.get(Gateway.key(project, name));
    }

    Collection<Serving> all() {
        return servings.values();
    }

    /** A name that is to be served by plan and is not. */
    record Absence(String project, String name, String reason) {}

    /** Why nothing is served under a name that a plan is for; null if there is no such plan, or it is served. */
    @Nullable
    Absence absence(String project, String name) {
        return absences.get(Gateway.key(project, name));
    }

    Collection<Absence> absences() {
        return absences.values();
    }

    /** Whether there is a plan for a name and nothing is served under it. */
    boolean isAwaited(String project, String name) {
        String key = Gateway.key(project, name);
        return wanted.containsKey(key) && !servings.containsKey(key);
    }

    /** The deployment of a name that has no champion yet; null if there is none. */
    @Nullable
    Vacancy vacancy(String project, String name) {
        return vacancies.get(Gateway.key(project, name));
    }

    Collection<Vacancy> vacancies() {
        return vacancies.values();
    }

    /** Number of the version that an absent name is to be served by; 0 if that is not known. */
    int wantedVersion(Absence absence) {
        ServingPlan plan = wanted.get(Gateway.key(absence.project(), absence.name()));
        return plan == null ? 0 : plan.champion().version();
    }

    /** Tells that a name is to be served by plan and cannot be yet; what is served under it meanwhile stays. */
    void absent(String project, String name, String reason) {
        String key = Gateway.key(project, name);
        absences.put(key, new Absence(project, name, reason));
        if (servings.containsKey(key)) {
            absences.remove(key);
        }
    }

    /** Tells that a deployment has no champion yet; without effect once there is a plan for it. */
    void vacant(Vacancy vacancy) {
        String key = Gateway.key(vacancy.project(), vacancy.name());
        wanted.compute(key, (name, plan) -> {
            if (plan == null) {
                absences.remove(key);
                vacancies.put(key, vacancy);
            }
            return plan;
        });
        announceChange();
    }

    void forget() {
        wanted.clear();
        vacancies.clear();
        absences.clear();
        servings.values().forEach(Serving::close);
        servings.clear();
        announceChange();
    }

    /** Stops serving a name. */
    void forget(String project, String name) {
        String key = Gateway.key(project, name);
        wanted.remove(key);
        vacancies.remove(key);
        absences.remove(key);
        Optional.ofNullable(servings.remove(key)).ifPresent(Serving::close);
        announceChange();
    }

    /**
     * Takes up a plan, unless a newer revision is there. A challenger that cannot be loaded is left out: it keeps nobody from
     * the champion.
     *
     * @return why the challenger was left out
     * @throws RuntimeException if the champion cannot be loaded; what was served before stays, unless it is a version that may do
     *     more than it is trusted with by this plan
     */
    Optional<RuntimeException> apply(ServingPlan plan) {
        String key = Gateway.key(plan.project(), plan.name());
        wanted.merge(key, plan, (before, after) -> after.revision() >= before.revision() ? after : before);
        vacancies.remove(key);
        announceChange();
        return load(plan);
    }

    private Optional<RuntimeException> load(ServingPlan plan) {
        ModelHandle champion;
        try {
            champion = cache.acquire(plan.champion());
        } catch (RuntimeException | Error e) {
            // A plan that was replaced while it was loading says nothing of what is served since.
            if (isWanted(plan)) {
                versions(plan).forEach(version -> close(plan.project(), plan.name(), version, Gateway.reason(e)));
            }
            throw e;
        }
        Optional<RuntimeException> problem = Optional.empty();
        Optional<ModelHandle> challenger = Optional.empty();
        try {
            challenger = plan.challenger().map(trial -> cache.acquire(trial.version()));
        } catch (RuntimeException e) {
            problem = Optional.of(e);
        } catch (Error e) {
            problem = Optional.of(new IllegalStateException(e));
        }
        serve(plan, new Serving(problem.isPresent() ? plan.withoutChallenger() : plan, champion, challenger));
        return problem;
    }

    private boolean isWanted(ServingPlan plan) {
        return plan.equals(wanted.get(Gateway.key(plan.project(), plan.name())));
    }

    /** Serves it, unless another plan is wanted by now or none: what was loaded for nothing is let go. */
    private void serve(ServingPlan asked, Serving serving) {
        String key = Gateway.key(asked.project(), asked.name());
        var replaced = new ArrayList<Serving>();
        servings.compute(key, (name, before) -> {
            replaced.clear();
            if (!isWanted(asked)) {
                replaced.add(serving);
                return before;
            }
            if (before != null) {
                replaced.add(before);
            }
            absences.remove(key);
            return serving;
        });
        // Whoever still predicts with it keeps it open until the answer is out.
        replaced.forEach(Serving::close);
        replaced.stream()
                .filter(before -> before != serving)
                .forEach(before -> versions(asked).forEach(version -> retire(before.plan(), version)));
    }

    private static List<ServedVersion> versions(ServingPlan plan) {
        return Stream.concat(
                        Stream.of(plan.champion()), plan.challenger().map(ServingPlan.Challenger::version).stream())
                .toList();
    }

    private void retire(ServingPlan plan, ServedVersion now) {
        versions(plan).stream().filter(before -> before.mayMoreThan(now)).forEach(cache::retire);
    }

    /** Stops serving a version under a name, if it was loaded with more trust than it has now. */
    private void close(String project, String name, ServedVersion now, String reason) {
        String key = Gateway.key(project, name);
        var closed = new ArrayList<Serving>();
        servings.computeIfPresent(key, (unused, before) -> {
            closed.clear();
            if (versions(before.plan()).stream().noneMatch(version -> version.mayMoreThan(now))) {
                return before;
            }
            closed.add(before);
            return null;
        });
        for (Serving serving : closed) {
            LOG.warn("Deployment '{}' of project '{}' is not served any more: {}", name, project, reason);
            absent(project, name, reason);
            serving.close();
            retire(serving.plan(), now);
        }
    }

    /**
     * Stops serving a version wherever it was loaded with more trust than it has now, by whatever plan; it is closed as soon as its
     * calls are answered. Plans that want it are to be taken up anew.
     */
    void trustChanged(ServedVersion now) {
        // Nor is it loaded as it was by anybody who takes the plans over from here.
        wanted.replaceAll((key, plan) -> plan.limitedTo(now));
        announceChange();
        for (Serving serving : List.copyOf(servings.values())) {
            ServingPlan wantedPlan = wanted.get(
                    Gateway.key(serving.plan().project(), serving.plan().name()));
            if (wantedPlan == null || wantedPlan.revision() != serving.plan().revision()) {
                close(
                        serving.plan().project(),
                        serving.plan().name(),
                        now,
                        "version " + now.reference() + " is not trusted any more as it was when it was loaded");
            }
        }
        for (boolean network : new boolean[] {false, true}) {
            var before = new ServedVersion(now.project(), now.model(), now.version(), now.folder(), true, network);
            if (before.mayMoreThan(now)) {
                cache.retire(before);
            }
        }
    }

    /** Whether what is served under a name has to be loaded anew: it, or a model that it calls, may not be called any more. */
    boolean isStale(String project, String name) {
        Serving serving = find(project, name);
        return serving != null
                && Stream.concat(Stream.of(serving.champion()), serving.challenger().stream())
                        .anyMatch(handle -> handle.isRetired() || handle.model().isStale());
    }

    /** Everything that is to be served by plan, loaded or not: others may be able to load what this process cannot. */
    PlanSnapshot snapshot() {
        return new PlanSnapshot(wanted.values(), vacancies.values());
    }

    /**
     * Stops serving what a snapshot does not hold, and takes up every plan of it, each by itself.
     *
     * @return the plans that could not be taken up, or are still loading, by their key, with the reason
     */
    Map<String, String> replaceAll(PlanSnapshot snapshot) {
        keepOnly(snapshot);
        var tasks = new LinkedHashMap<ServingPlan, FutureTask<Optional<RuntimeException>>>();
        for (ServingPlan plan : snapshot.plans()) {
            // Whatever its revision: a deployment may have been deleted and made anew since the last snapshot.
            String key = Gateway.key(plan.project(), plan.name());
            wanted.put(key, plan);
            vacancies.remove(key);
            absent(plan.project(), plan.name(), Gateway.LOADING);
            var task = new FutureTask<>(() -> load(plan));
            Thread.ofVirtual().name("plan-" + plan.name()).start(task);
            tasks.put(plan, task);
        }
        var problems = new LinkedHashMap<String, String>();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        tasks.forEach((plan, task) -> outcome(task, deadline - System.nanoTime())
                .ifPresent(problem -> {
                    LOG.warn("Deployment '{}' of project '{}': {}", plan.name(), plan.project(), problem);
                    if (isWanted(plan)) {
                        absent(plan.project(), plan.name(), problem);
                    }
                    problems.put(Gateway.key(plan.project(), plan.name()), problem);
                }));
        return problems;
    }

    private static Optional<String> outcome(FutureTask<Optional<RuntimeException>> task, long nanos) {
        try {
            return task.get(Math.max(nanos, 0), TimeUnit.NANOSECONDS).map(Gateway::reason);
        } catch (ExecutionException e) {
            return Optional.of(Gateway.reason(e.getCause()));
        } catch (TimeoutException e) {
            return Optional.of(Gateway.LOADING);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of(Gateway.LOADING);
        }
    }

    private void keepOnly(PlanSnapshot snapshot) {
        Set<String> kept = snapshot.plans().stream()
                .map(plan -> Gateway.key(plan.project(), plan.name()))
                .collect(Collectors.toSet());
        Set<String> vacant = snapshot.vacancies().stream()
                .map(vacancy -> Gateway.key(vacancy.project(), vacancy.name()))
                .collect(Collectors.toSet());
        // First, so that nothing which is still being loaded begins to be served afterwards.
        wanted.keySet().retainAll(kept);
        // A vacancy that has been filled goes once its plan is wanted.
        vacancies.keySet().removeIf(key -> !kept.contains(key) && !vacant.contains(key));
        snapshot.vacancies().forEach(this::vacant);
        servings.entrySet().removeIf(serving -> {
            boolean gone = !kept.contains(serving.getKey());
            if (gone) {
                serving.getValue().close();
            }
            return gone;
        });
        absences.keySet().retainAll(kept);
        announceChange();
    }

    /** Waits until what is served differs from a snapshot's version, at most so long; gives what is served then. */
    PlanSnapshot awaitOtherThan(String version, Duration atMost) throws InterruptedException {
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
}
