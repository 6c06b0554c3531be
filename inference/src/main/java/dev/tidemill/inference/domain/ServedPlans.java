package dev.tidemill.inference.domain;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

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

    private final ModelCache cache;
    private final ConcurrentMap<String, Serving> servings = new ConcurrentHashMap<>();
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

    void forget() {
        servings.values().forEach(Serving::close);
        servings.clear();
        announceChange();
    }

    /** Takes up a plan, unless a newer revision is there. */
    void apply(ServingPlan plan) {
        ModelHandle champion = cache.acquire(plan.champion());
        Optional<ModelHandle> challenger;
        try {
            challenger = plan.challenger().map(trial -> cache.acquire(trial.version()));
        } catch (RuntimeException e) {
            champion.close();
            throw e;
        }
        var serving = new Serving(plan, champion, challenger);
        var replaced = new ArrayList<Serving>();
        servings.compute(Gateway.key(plan.project(), plan.name()), (name, before) -> {
            replaced.clear();
            if (before == null) {
                return serving;
            }
            boolean newer = plan.revision() >= before.plan().revision();
            replaced.add(newer ? before : serving);
            return newer ? serving : before;
        });
        // Whoever still predicts with it keeps it open until the answer is out.
        replaced.forEach(Serving::close);
        announceChange();
    }

    /** Everything that is served by plan now. */
    PlanSnapshot snapshot() {
        return new PlanSnapshot(servings.values().stream().map(Serving::plan).toList());
    }

    /** Takes up every plan of a snapshot and stops serving what it does not hold; gives the keys of what is served. */
    Set<String> replaceAll(PlanSnapshot snapshot) {
        snapshot.plans().forEach(this::apply);
        Set<String> kept = snapshot.plans().stream()
                .map(plan -> Gateway.key(plan.project(), plan.name()))
                .collect(Collectors.toSet());
        servings.entrySet().removeIf(serving -> {
            boolean gone = !kept.contains(serving.getKey());
            if (gone) {
                serving.getValue().close();
            }
            return gone;
        });
        return kept;
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
