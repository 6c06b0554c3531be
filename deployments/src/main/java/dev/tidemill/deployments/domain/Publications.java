package dev.tidemill.deployments.domain;

import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InPreparation;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.ServingPlan;
import dev.tidemill.inference.domain.Vacancy;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.Models;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Brings deployments to the gateway, each by itself: one whose model cannot be loaded is broken, is tried again with growing
 * pauses, and keeps nobody else waiting. One that waits for what its model needs to be made is tried again once that is there.
 * Thread-safe.
 */
public final class Publications implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Publications.class);
    /** A change is in force when its caller hears of it, unless its model loads for longer than this. */
    private static final Duration CHANGE = Duration.ofMillis(200);
    /** What loads within this time at the start is served from the first request on. */
    private static final Duration START = Duration.ofSeconds(5);
    /** Loads that begin together, which spares memory; one that takes long gives its turn away. */
    private static final int TOGETHER = 4;

    private static final Duration TURN = Duration.ofSeconds(2);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    /** How a deployment stands at this process's gateway. */
    public enum State {
        /** No version has been deployed yet. */
        EMPTY,
        /** A model of the newest revision is being loaded, or, where there is a reason, what it needs is being made. */
        LOADING,
        SERVING,
        /** The champion answers; the challenger cannot be loaded. */
        WITHOUT_CHALLENGER,
        /** The champion of the newest revision cannot be loaded. What was served before it, if anything, still is. */
        BROKEN
    }

    /**
     * How a deployment stands.
     *
     * @param reason what is wrong, or what is waited for; empty if nothing is
     * @param since when it came to stand so
     * @param failures attempts that failed in a row
     * @param retryAt when it is tried again
     */
    public record Status(State state, String reason, Instant since, int failures, Optional<Instant> retryAt) {}

    private final DeploymentStore store;
    private final Models models;
    private final Gateway gateway;
    private final Clock clock;
    private final Duration firstPause;
    private final ConcurrentMap<String, Status> statuses = new ConcurrentHashMap<>();
    /** The newest revision of each deployment that the gateway has taken up. */
    private final ConcurrentMap<String, Long> takenUp = new ConcurrentHashMap<>();

    private final ConcurrentMap<String, Future<?>> pending = new ConcurrentHashMap<>();
    private final LoadTurns turns;
    private final ScheduledExecutorService retries = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("publication-retries").factory());

    public Publications(DeploymentStore store, Models models, Gateway gateway, Clock clock) {
        this(store, models, gateway, clock, FIRST_PAUSE, TURN);
    }

    /**
     * @param firstPause after the first failure; it doubles with each further one, up to five minutes
     * @param turn after which a load that still goes on no longer keeps the next one waiting
     */
    Publications(
            DeploymentStore store, Models models, Gateway gateway, Clock clock, Duration firstPause, Duration turn) {
        this.store = store;
        this.models = models;
        this.gateway = gateway;
        this.clock = clock;
        this.firstPause = firstPause;
        this.turns = new LoadTurns(TOGETHER, turn, retries);
    }

    Status status(Deployment deployment) {
        return statuses.getOrDefault(
                Gateway.key(deployment.project(), deployment.name()),
                new Status(
                        deployment.champion().isPresent() ? State.LOADING : State.EMPTY,
                        "",
                        clock.instant(),
                        0,
                        Optional.empty()));
    }

    /**
     * Whether the gateway has yet to take up this revision of a deployment, or is trying it: until then what was served before
     * answers. Of one that is broken this is not said, however often it is tried again.
     */
    boolean isTakingUp(Deployment deployment) {
        String key = Gateway.key(deployment.project(), deployment.name());
        return deployment.champion().isPresent()
                && switch (status(deployment).state()) {
                    case LOADING -> true;
                    case EMPTY, SERVING, WITHOUT_CHALLENGER -> takenUp.getOrDefault(key, -1L) < deployment.revision();
                    case BROKEN -> false;
                };
    }

    /** Deployments that are not served as they should be. */
    public long broken() {
        return statuses.values().stream()
                .filter(status -> status.state() == State.BROKEN || status.state() == State.WITHOUT_CHALLENGER)
                .count();
    }

    /** Publishes every deployment as the server starts, and waits for those that load quickly. */
    void publishAll(List<Deployment> deployments) {
        publish(deployments, START);
    }

    /** Publishes deployments as they stand now, side by side. */
    void publish(List<Deployment> deployments) {
        deployments.forEach(deployment -> statuses.remove(Gateway.key(deployment.project(), deployment.name())));
        publish(deployments, CHANGE);
    }

    private void publish(List<Deployment> deployments, Duration atMost) {
        deployments.stream()
                .filter(deployment -> deployment.champion().isEmpty())
                .forEach(this::vacate);
        List<Deployment> filled = deployments.stream()
                .filter(deployment -> deployment.champion().isPresent())
                .toList();
        var left = new CountDownLatch(filled.size());
        filled.forEach(deployment -> start(deployment.project(), deployment.name(), left));
        await(left, atMost);
    }

    /**
     * Closes what was loaded with more trust than a version has now, by whatever deployment, and publishes anew what serves that
     * version or was closed. Which deployments these are the gateway knows by itself: a database that cannot be read keeps nothing open.
     */
    void trustChanged(ServedVersion now) {
        gateway.trustChanged(now);
        List<ServingPlan> affected = gateway.snapshot().plans().stream()
                .filter(plan -> plan.serves(now) || gateway.isStale(plan.project(), plan.name()))
                .toList();
        affected.forEach(plan -> statuses.remove(Gateway.key(plan.project(), plan.name())));
        var left = new CountDownLatch(affected.size());
        affected.forEach(plan -> start(plan.project(), plan.name(), left));
        await(left, CHANGE);
    }

    /** Whoever read it may be late: it is read again once the gateway knows it, as a plan is. */
    private void vacate(Deployment deployment) {
        String project = deployment.project();
        String name = deployment.name();
        gateway.vacant(new Vacancy(project, name, deployment.definition().model()));
        Optional<Deployment> now = store.find(project, name);
        if (now.isEmpty()) {
            gateway.forget(project, name);
        } else if (now.get().champion().isPresent()) {
            start(project, name, new CountDownLatch(1));
        }
    }

    /** Stops serving a deployment that is gone. */
    void withdraw(String project, String name) {
        cancelRetry(project, name);
        statuses.remove(Gateway.key(project, name));
        takenUp.remove(Gateway.key(project, name));
        gateway.forget(project, name);
        // One of the same name may have been defined meanwhile, and been brought to the gateway before this.
        store.find(project, name).ifPresent(deployment -> publish(List.of(deployment)));
    }

    /** Forgets every deployment, as when the database has been emptied. */
    public void forget() {
        pending.values().forEach(retry -> retry.cancel(false));
        pending.clear();
        statuses.clear();
        takenUp.clear();
    }

    private void cancelRetry(String project, String name) {
        Future<?> retry = pending.remove(Gateway.key(project, name));
        if (retry != null) {
            retry.cancel(false);
        }
    }

    /** Deployments that are to be tried again. */
    int waiting() {
        return pending.size();
    }

    private void start(String project, String name, CountDownLatch left) {
        // This is the attempt that was waited for, or takes its place.
        cancelRetry(project, name);
        Status before = statuses.computeIfAbsent(
                Gateway.key(project, name), key -> new Status(State.LOADING, "", clock.instant(), 0, Optional.empty()));
        if (before.state() != State.LOADING || before.reason().isEmpty()) {
            gateway.absent(project, name, Gateway.LOADING);
        }
        Thread.ofVirtual().name("publish-" + name).start(() -> {
            try {
                turns.run(() -> attempt(project, name));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RejectedExecutionException e) {
                LOG.debug("Closed; '{}' is not published", name);
            } finally {
                left.countDown();
            }
        });
    }

    private static void await(CountDownLatch left, Duration atMost) {
        try {
            boolean all = left.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
            LOG.debug("Publication {}", all ? "complete" : "goes on behind");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void attempt(String project, String name) {
        try {
            Optional<Planned> planned = planned(project, name);
            Optional<Problem> problem = Optional.empty();
            while (planned.isPresent()) {
                problem = apply(planned.get());
                Optional<Planned> now = planned(project, name);
                if (now.equals(planned)) {
                    break;
                }
                // Changed while it loaded, and whoever changed it may have been applied before this was.
                planned = now;
            }
            if (planned.isEmpty()) {
                withdraw(project, name);
                return;
            }
            if (problem.isPresent()) {
                failed(project, name, problem.get(), State.WITHOUT_CHALLENGER);
            } else {
                statuses.put(
                        Gateway.key(project, name),
                        new Status(State.SERVING, "", clock.instant(), 0, Optional.empty()));
            }
        } catch (RuntimeException | Error e) {
            // Of an Error too: whoever waits for the deployment would wait for ever.
            gateway.absent(project, name, Gateway.reason(e));
            failed(project, name, Problem.of(e), State.BROKEN);
        }
    }

    /**
     * What keeps a deployment from being served as it should be.
     *
     * @param preparation of what it needs, if nothing is wrong with it
     */
    private record Problem(String reason, Optional<InPreparation> preparation) {
        static Problem of(Throwable failure) {
            return new Problem(Gateway.reason(failure), InPreparation.of(failure));
        }
    }

    /**
     * What is to be served for a deployment.
     *
     * @param problem what keeps its challenger out of the plan, if anything
     */
    private record Planned(ServingPlan plan, Optional<Problem> problem) {}

    /** Gives the plan to the gateway; what is wrong with the challenger, if anything. */
    private Optional<Problem> apply(Planned planned) {
        ServingPlan plan = planned.plan();
        Optional<RuntimeException> left = gateway.apply(plan);
        takenUp.merge(Gateway.key(plan.project(), plan.name()), plan.revision(), Math::max);
        return planned.problem().or(() -> left.map(Problem::of));
    }

    /** Empty if the deployment is gone, or has no version yet. */
    private Optional<Planned> planned(String project, String name) {
        return store.find(project, name)
                .flatMap(deployment -> deployment.champion().map(champion -> planned(deployment, champion)));
    }

    private Planned planned(Deployment deployment, int champion) {
        String model = deployment.definition().model();
        ServedVersion served = ServedVersion.of(models.version(deployment.project(), model, champion));
        Optional<ServingPlan.Challenger> challenger = Optional.empty();
        Optional<Problem> problem = Optional.empty();
        try {
            challenger = deployment
                    .challenger()
                    .map(version -> new ServingPlan.Challenger(
                            ServedVersion.of(models.version(deployment.project(), model, version)),
                            deployment.share()));
        } catch (TidemillException e) {
            problem = Optional.of(Problem.of(e));
        }
        var plan = new ServingPlan(
                deployment.project(),
                deployment.name(),
                deployment.revision(),
                served,
                challenger,
                deployment.definition().durableJournal(),
                deployment
                        .definition()
                        .policy()
                        .flatMap(name -> store.findPolicy(deployment.project(), name))
                        .map(Policy::inputs)
                        .orElse(InputPolicy.REFUSE));
        return new Planned(plan, problem);
    }

    /** @param broken how it stands, unless what it needs is being made */
    private void failed(String project, String name, Problem problem, State broken) {
        State state = problem.preparation().isPresent() ? State.LOADING : broken;
        Status before = statuses.get(Gateway.key(project, name));
        int failures = state == State.LOADING ? 0 : before == null ? 1 : before.failures() + 1;
        Instant since = before != null && before.state() == state ? before.since() : clock.instant();
        Duration pause = problem.preparation().map(InPreparation::again).orElseGet(() -> pause(failures));
        statuses.put(
                Gateway.key(project, name),
                new Status(
                        state,
                        problem.reason(),
                        since,
                        failures,
                        Optional.of(clock.instant().plus(pause))));
        LOG.atLevel(state == State.LOADING ? Level.DEBUG : Level.WARN)
                .log(
                        "Deployment '{}' of project '{}' is {}: {}. It is tried again in {}",
                        name,
                        project,
                        state,
                        problem.reason(),
                        pause);
        try {
            Future<?> retry = retry(project, name, pause);
            problem.preparation().ifPresent(preparation -> {
                var unused = preparation
                        .end()
                        .whenCompleteAsync((made, failure) -> startInPlaceOf(retry, project, name), retries);
            });
        } catch (RejectedExecutionException e) {
            LOG.debug("Closed; '{}' is not tried again", name);
        }
    }

    private Future<?> retry(String project, String name, Duration pause) {
        var retry = retries.schedule(
                () -> start(project, name, new CountDownLatch(1)), pause.toMillis(), TimeUnit.MILLISECONDS);
        Future<?> earlier = pending.put(Gateway.key(project, name), retry);
        if (earlier != null) {
            earlier.cancel(false);
        }
        return retry;
    }

    /** Tries now what was to be tried later, unless something else has taken the place of that already. */
    private void startInPlaceOf(Future<?> retry, String project, String name) {
        if (pending.remove(Gateway.key(project, name), retry)) {
            retry.cancel(false);
            start(project, name, new CountDownLatch(1));
        }
    }

    private Duration pause(int failures) {
        Duration pause = firstPause.multipliedBy(1L << Math.clamp(failures - 1, 0, 16));
        return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
    }

    @Override
    public void close() {
        retries.shutdownNow();
    }
}
