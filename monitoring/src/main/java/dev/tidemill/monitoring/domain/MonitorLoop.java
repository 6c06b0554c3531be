package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineRun;
import dev.tidemill.pipelines.domain.PipelineRunId;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.platform.threads.Loop;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the decisions that are due: walks each deployment's ticks of event time up to its watermark, and none while a
 * retraining that an earlier tick started is still running. So what is decided depends on the data alone: a replay of a
 * year, however fast and however often interrupted, decides exactly as the year did.
 *
 * <p>A tick reads and computes outside of any unit of work, whatever that takes. Then one short unit of work commits all of
 * it, if state and deployment are still as they were read; else the tick is taken again. The journals of two deployments are
 * read at a time; the others wait for one tick of each that asked before them, never for one that waits or fails. One that
 * fails again and again is halted: its state says why and since when, and it is tried again with growing pauses.
 */
public final class MonitorLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MonitorLoop.class);
    /** How long what nobody has told of stays unseen, such as a monitor that was changed. */
    private static final Duration SAFETY_NET = Duration.ofSeconds(5);

    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);
    /** So many failures in a row are told to people. */
    private static final int NO_ACCIDENT = 2;
    /** Deployments whose journals are read at a time. */
    private static final int PLACES = 2;

    private final MonitorStore store;
    private final SliceStore sums;
    private final Monitoring monitoring;
    private final DeletedDeployments deleted;
    private final Halts halts;
    private final Ticks ticks;
    private final Deployments deployments;
    private final Rollouts rollouts;
    private final Pipelines pipelines;
    private final Transactions transactions;
    private final MonitorEvents events;
    private final Clock clock;
    private final Loop loop = new Loop("monitor-loop", SAFETY_NET, this::followAll);
    private final ConcurrentMap<String, Turn> running = new ConcurrentHashMap<>();
    private final Semaphore places = new Semaphore(PLACES, true);
    private volatile boolean closed;

    public MonitorLoop(
            MonitorStore store,
            SliceStore sums,
            Monitoring monitoring,
            Ticks ticks,
            Deployments deployments,
            Rollouts rollouts,
            Pipelines pipelines,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.store = store;
        this.sums = sums;
        this.monitoring = monitoring;
        this.deleted = monitoring.deleted();
        this.halts = monitoring.halts();
        this.ticks = ticks;
        this.deployments = deployments;
        this.rollouts = rollouts;
        this.pipelines = pipelines;
        this.transactions = transactions;
        this.events = new MonitorEvents(events);
        this.clock = clock;
    }

    public void start() {
        monitoring.onProgress(this::wake);
        loop.start();
    }

    /** What looks at every deployment again and again. */
    public Loop loop() {
        return loop;
    }

    /** Looks at a deployment again, since something has come for it. */
    public void wake(String project, String name) {
        if (!closed) {
            follow(project, name);
        }
    }

    private void followAll() throws InterruptedException {
        store.gone().forEach(gone -> follow(gone.project(), gone.deployment()));
        store.states().forEach(state -> follow(state.project(), state.deployment()));
        Thread.sleep(SAFETY_NET);
    }

    private static void pause(Duration duration) {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Advances a deployment on a thread of its own; once more after the one that is advancing it now. */
    private void follow(String project, String name) {
        String key = Gateway.key(project, name);
        if (running.merge(key, Turn.RUNNING, (before, now) -> Turn.ONCE_MORE) == Turn.RUNNING) {
            Thread.ofVirtual().name("monitor-" + key).start(() -> {
                do {
                    advance(project, name);
                } while (running.computeIfPresent(
                                key, (same, turn) -> turn == Turn.ONCE_MORE && !closed ? Turn.RUNNING : null)
                        != null);
            });
        }
    }

    private enum Turn {
        RUNNING,
        ONCE_MORE
    }

    /** Decides tick after tick until the watermark, or until a retraining has to be waited for; tries again what fails. */
    private void advance(String project, String name) {
        int failures = 0;
        boolean goOn = true;
        while (goOn && !closed) {
            try {
                goOn = !deleted.clear(project, name, DeletedDeployments.CLEARING) || inTurn(project, name);
                failures = 0;
            } catch (RuntimeException | Error e) {
                if (closed) {
                    return;
                }
                failures++;
                Duration pause = pause(failures);
                LOG.error("Monitoring of deployment {} could not go on; it is tried again in {}", name, pause, e);
                if (failures >= NO_ACCIDENT) {
                    halt(project, name, e);
                }
                pause(pause);
            }
        }
    }

    private static Duration pause(int failures) {
        Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(failures - 1, 16));
        return pause.compareTo(LONGEST_PAUSE) < 0 ? pause : LONGEST_PAUSE;
    }

    private void halt(String project, String name, Throwable failure) {
        try {
            halts.halt(project, name, Gateway.reason(failure));
        } catch (RuntimeException e) {
            LOG.warn("That monitoring of deployment {} is halted could not be written down: {}", name, e.toString());
        }
    }

    private boolean inTurn(String project, String name) {
        places.acquireUninterruptibly();
        try {
            Optional<MonitorState> state = store.findState(project, name);
            if (state.isEmpty()) {
                return false;
            }
            Optional<Deployment> deployment = deployments.find(project, name);
            if (deployment.isEmpty()) {
                deleted.forgetIfGone(project, name);
                return false;
            }
            boolean more = tick(deployment.get(), state.get());
            if (state.get().halt().isPresent()) {
                halts.resume(project, name);
            }
            return more;
        } finally {
            places.release();
        }
    }

    private boolean tick(Deployment deployment, MonitorState state) {
        String project = deployment.project();
        String name = deployment.name();
        Optional<Monitor> monitor = store.monitorOf(deployment);
        if (monitor.isEmpty() || deployment.champion().isEmpty()) {
            return false;
        }
        if (state.pendingRun().isPresent()) {
            // One that is not there any more has ended long ago: only runs that ended are removed.
            boolean goesOn = pipelines
                    .find(project, new PipelineRunId(state.pendingRun().get()))
                    .filter(run -> !run.state().isFinal())
                    .isPresent();
            if (goesOn) {
                return false;
            }
            store.saveProgress(state, state.withPendingRun(Optional.empty()));
            return true;
        }
        Instant tick = ticks.next(deployment, monitor.get(), state);
        if (tick.isAfter(state.clock().watermark())) {
            return false;
        }
        var seen = new Ticks.Seen(deployment, monitor.get(), deployments.policy(deployment), state, tick);
        Ticks.Found concluded = ticks.look(seen);
        transactions.write(() -> commit(seen, concluded));
        return true;
    }

    /** Writes down what a tick has found, unless the state or the deployment have changed since they were read. */
    private boolean commit(Ticks.Seen seen, Ticks.Found found) {
        String project = seen.deployment().project();
        String name = seen.deployment().name();
        deployments.moveEventTime(project, name, seen.tick());
        Optional<Deployment> still = deployments
                .find(project, name)
                .filter(deployment -> deployment.revision() == seen.deployment().revision());
        if (still.isEmpty()) {
            return false;
        }
        Deployment now = still.get();
        MonitorState next = found.conclusion() instanceof Ticks.Conclusion.Retraining retraining
                ? retrain(seen, found.next(), retraining)
                : found.next();
        if (!store.saveProgress(seen.state(), next)) {
            throw new TidemillException(ErrorCode.CONFLICT, "The monitoring of '" + name + "' has moved on meanwhile");
        }
        Instant at = clock.instant();
        found.slices().forEach(slice -> sums.addSlice(project, name, slice, at));
        found.calls().forEach(calls -> sums.saveCalls(project, name, calls, at));
        if (!found.windows().isEmpty()) {
            Optional<ClosedWindow> before =
                    store.lastWindow(project, name, found.windows().getFirst().endsAt());
            for (ClosedWindow window : found.windows()) {
                store.addWindow(project, name, window, at);
                announce(now, window, before);
                before = Optional.of(window);
            }
            sums.dropProfiles(project, name, next.windowsTill());
        }
        if (found.conclusion() instanceof Ticks.Conclusion.Verdict verdict) {
            carryOut(now, verdict, seen.tick());
        }
        return true;
    }

    private void carryOut(Deployment deployment, Ticks.Conclusion.Verdict found, Instant tick) {
        String reason = found.verdict().reason();
        Map<String, Object> evidence = found.facts();
        switch (found.verdict().outcome()) {
            case WAIT -> {
                // the next tick looks again
            }
            case CANARY ->
                rollouts.canary(
                        deployment,
                        found.policy().share(),
                        reason,
                        found.evidence().orElseThrow(),
                        tick);
            case PROMOTE -> rollouts.promote(deployment, reason, evidence, Optional.of(tick), Event.SYSTEM);
            case REJECT -> rollouts.reject(deployment, reason, evidence, Optional.of(tick), Event.SYSTEM);
        }
    }

    private MonitorState retrain(Ticks.Seen seen, MonitorState next, Ticks.Conclusion.Retraining found) {
        Deployment deployment = seen.deployment();
        Optional<Pipeline> pipeline =
                pipelines.find(deployment.project(), found.policy().pipeline());
        found.policy().obstacle(pipeline).ifPresent(why -> {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, Obstacles.cannotRetrain(deployment, why));
        });
        PipelineRun run = pipelines.start(
                deployment.project(),
                found.policy().pipeline(),
                found.policy().start(pipeline.orElseThrow(), seen.trusted()),
                Event.SYSTEM,
                Optional.of(MonitorEvents.subject(deployment.name())),
                Optional.empty());
        append(
                deployment,
                MonitorEvents.RETRAINING_STARTED,
                seen.tick(),
                Map.of("reason", found.reason(), "run", run.id().value()));
        LOG.info("Deployment {}: retraining at {}: {}", deployment.name(), seen.tick(), found.reason());
        return next.withPendingRun(Optional.of(run.id().value())).withTrainedTill(seen.trusted());
    }

    private void announce(Deployment deployment, ClosedWindow window, Optional<ClosedWindow> before) {
        var facts = new HashMap<String, Object>();
        facts.put("from", window.startsAt().toString());
        facts.put("until", window.endsAt().toString());
        facts.put("version", window.version());
        facts.put("rows", window.rows());
        window.error().ifPresent(error -> facts.put("error", error));
        window.referenceError().ifPresent(error -> facts.put("referenceError", error));
        append(deployment, "monitor.window.closed", window.endsAt(), facts);
        if (window.broken()) {
            var broken = new HashMap<String, Object>(facts);
            broken.put(
                    "columns", window.faults().stream().map(MonitorLoop::facts).toList());
            broken.put("reason", BrokenData.reason(window));
            broken.put("remedy", BrokenData.REMEDY);
            append(deployment, "monitor.data.broken", window.endsAt(), broken);
        } else if (before.filter(ClosedWindow::broken).isPresent()) {
            append(deployment, "monitor.data.whole", window.endsAt(), facts);
        }
        if (window.degraded()) {
            append(deployment, "monitor.quality.degraded", window.endsAt(), facts);
        }
        List<String> drifted = drifted(window);
        if (!drifted.isEmpty()) {
            append(deployment, "monitor.drift.detected", window.endsAt(), Map.of("columns", drifted));
        }
    }

    private static Map<String, Object> facts(ColumnFault fault) {
        return Map.of("column", fault.column(), "missing", fault.missing(), "reference", fault.reference());
    }

    private static List<String> drifted(ClosedWindow window) {
        var columns = new ArrayList<String>();
        window.drift().forEach((column, facts) -> {
            if (facts instanceof Map<?, ?> map && Boolean.TRUE.equals(map.get("drifted"))) {
                columns.add(column);
            }
        });
        return columns;
    }

    private void append(Deployment deployment, String type, Instant at, Map<String, ?> data) {
        events.append(deployment.project(), deployment.name(), type, at, data);
    }

    @Override
    public void close() {
        closed = true;
        loop.close();
    }
}
