package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.deployments.domain.RolloutRules;
import dev.tidemill.pipelines.domain.PipelineRun;
import dev.tidemill.pipelines.domain.PipelineRunId;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the decisions that are due: walks each deployment's ticks of event time up to its watermark, each tick one
 * transaction, and none while a retraining that an earlier tick started is still running. So what is decided depends on the
 * data alone: a replay of a year, however fast and however often interrupted, decides exactly as the year did.
 */
public final class MonitorLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MonitorLoop.class);
    private static final Duration SAFETY_NET = Duration.ofSeconds(1);

    private final MonitorStore store;
    private final Monitoring monitoring;
    private final Deployments deployments;
    private final Models models;
    private final Pipelines pipelines;
    private final Windows windows;
    private final Transactions transactions;
    private final EventLog events;
    private final Semaphore wake = new Semaphore(0);
    private final Thread thread = Thread.ofVirtual().name("monitor-loop").unstarted(this::runUntilClosed);
    private volatile boolean closed;

    public MonitorLoop(
            MonitorStore store,
            Monitoring monitoring,
            Deployments deployments,
            Models models,
            Pipelines pipelines,
            Windows windows,
            Transactions transactions,
            EventLog events) {
        this.store = store;
        this.monitoring = monitoring;
        this.deployments = deployments;
        this.models = models;
        this.pipelines = pipelines;
        this.windows = windows;
        this.transactions = transactions;
        this.events = events;
    }

    public void start() {
        monitoring.onProgress(wake::release);
        thread.start();
    }

    /** Looks again soon; called when a pipeline run ends. */
    public void wake() {
        wake.release();
    }

    private void runUntilClosed() {
        while (!closed) {
            try {
                wake.tryAcquire(SAFETY_NET.toMillis(), TimeUnit.MILLISECONDS);
                wake.drainPermits();
                for (MonitorState state : store.states()) {
                    advance(state.project(), state.deployment());
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.error("Monitoring could not go on; trying again", e);
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(SAFETY_NET);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Decides tick after tick until the watermark, or until a retraining has to be waited for. */
    private void advance(String project, String name) {
        boolean goOn = true;
        while (goOn && !closed) {
            goOn = transactions.write(() -> tick(project, name));
        }
    }

    private boolean tick(String project, String name) {
        Deployment deployment = deployments.deployment(project, name);
        Optional<Monitor> monitor = monitoring.monitor(deployment);
        MonitorState state = store.findState(project, name).orElseThrow();
        if (monitor.isEmpty() || deployment.champion().isEmpty()) {
            return false;
        }
        if (state.pendingRun().isPresent()) {
            PipelineRun run =
                    pipelines.run(project, new PipelineRunId(state.pendingRun().get()));
            if (!run.state().isFinal()) {
                return false;
            }
            store.saveState(state.withPendingRun(Optional.empty()));
            return true;
        }
        Instant tick = state.processed().plus(monitor.get().every());
        if (tick.isAfter(state.watermark())) {
            return false;
        }
        deployments.moveEventTime(project, name, tick);
        Instant trusted = tick.minus(monitor.get().labelDelay());
        Optional<Policy> policy = deployments.policy(deployment);
        MonitorState next = closeWindows(deployment, monitor.get(), policy, state.withProcessed(tick), trusted);
        if (policy.isPresent()) {
            Deployment now = deployments.deployment(project, name);
            if (now.challenger().isPresent()) {
                judge(now, policy.get().promotion(), trusted, tick);
            } else {
                next = considerRetraining(now, policy.get(), next, trusted, tick);
            }
        }
        store.saveState(next);
        return true;
    }

    private MonitorState closeWindows(
            Deployment deployment, Monitor monitor, Optional<Policy> policy, MonitorState state, Instant trusted) {
        MonitorState next = state;
        Instant end = next.windowsTill().plus(monitor.window());
        while (!end.isAfter(trusted)) {
            List<JournalRow> rows = store.rows(deployment.project(), deployment.name(), next.windowsTill(), end);
            if (!rows.isEmpty()) {
                ClosedWindow window = windows.close(
                        next.windowsTill(), end, rows, champion(deployment), monitor, policy.flatMap(Policy::retrain));
                store.addWindow(deployment.project(), deployment.name(), window);
                announce(deployment, window);
            }
            next = next.withWindowsTill(end);
            end = next.windowsTill().plus(monitor.window());
        }
        return next;
    }

    private ModelVersion champion(Deployment deployment) {
        return models.version(
                deployment.project(),
                deployment.definition().model(),
                deployment.champion().orElseThrow());
    }

    private void announce(Deployment deployment, ClosedWindow window) {
        var facts = new HashMap<String, Object>();
        facts.put("from", window.startsAt().toString());
        facts.put("until", window.endsAt().toString());
        facts.put("rows", window.rows());
        window.error().ifPresent(error -> facts.put("error", error));
        window.referenceError().ifPresent(error -> facts.put("referenceError", error));
        append(deployment, "monitor.window.closed", window.endsAt(), facts);
        if (window.broken()) {
            append(deployment, "monitor.data.broken", window.endsAt(), facts);
        }
        if (window.degraded()) {
            append(deployment, "monitor.quality.degraded", window.endsAt(), facts);
        }
        List<String> drifted = drifted(window);
        if (!drifted.isEmpty()) {
            append(deployment, "monitor.drift.detected", window.endsAt(), Map.of("columns", drifted));
        }
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
        events.append(Event.of(type, deployment.project(), "deployment/" + deployment.name(), Event.SYSTEM, data)
                .at(at));
    }

    private void judge(Deployment deployment, Policy.Promotion policy, Instant trusted, Instant tick) {
        int challenger = deployment.challenger().orElseThrow();
        Reliability reliability = store.reliability(
                deployment.project(),
                deployment.name(),
                challenger,
                deployment.offeredAt().orElse(Instant.EPOCH),
                tick);
        RolloutRules.Verdict reliable = RolloutRules.reliable(reliability);
        if (reliable.outcome() == RolloutRules.Outcome.REJECT) {
            var facts = Map.of("asked", reliability.asked(), "failed", reliability.failed());
            deployments.reject(deployment, reliable.reason(), facts, Optional.of(tick), Event.SYSTEM);
            return;
        }
        var pairs = new ArrayList<Evidence.Pair>();
        Instant since = deployment.offeredAt().orElse(Instant.EPOCH);
        for (JournalRow row : store.rows(deployment.project(), deployment.name(), since, trusted)) {
            if (row.challengerVersion().filter(version -> version == challenger).isPresent()
                    && row.championLoss().isPresent()
                    && row.challengerLoss().isPresent()) {
                pairs.add(new Evidence.Pair(
                        row.championLoss().get(), row.challengerLoss().get()));
            }
        }
        Evidence evidence = Evidence.of(pairs, policy.confidence(), policy.rows() * 4);
        RolloutRules.Verdict verdict = RolloutRules.judge(deployment, evidence, trusted, policy);
        switch (verdict.outcome()) {
            case WAIT -> {
                // the next tick looks again
            }
            case CANARY -> deployments.canary(deployment, policy.share(), verdict.reason(), evidence, tick);
            case PROMOTE ->
                deployments.promote(deployment, verdict.reason(), evidence.toMap(), Optional.of(tick), Event.SYSTEM);
            case REJECT ->
                deployments.reject(deployment, verdict.reason(), evidence.toMap(), Optional.of(tick), Event.SYSTEM);
        }
    }

    private MonitorState considerRetraining(
            Deployment deployment, Policy policy, MonitorState state, Instant trusted, Instant tick) {
        if (policy.retrain().isEmpty()) {
            return state;
        }
        Policy.Retrain retrain = policy.retrain().get();
        Instant since = deployment.championSince().orElse(state.origin());
        List<ClosedWindow> sinceChampion = store.windows(deployment.project(), deployment.name()).stream()
                .filter(window -> window.endsAt().isAfter(since))
                .toList();
        Instant quietSince = deployments
                .lastFinalDecision(deployment.project(), deployment.name())
                .orElse(state.origin());
        Optional<String> reason = RetrainRule.reason(retrain, sinceChampion, trusted, quietSince, state.trainedTill());
        if (reason.isEmpty()) {
            return state;
        }
        var parameters = new HashMap<>(retrain.parameters());
        parameters.put("until", trusted.toString());
        PipelineRun run = pipelines.start(
                deployment.project(),
                retrain.pipeline(),
                parameters,
                Event.SYSTEM,
                Optional.of("deployment/" + deployment.name()),
                Optional.of("retrain/" + deployment.name() + "/" + tick));
        append(
                deployment,
                "monitor.retraining.started",
                tick,
                Map.of("reason", reason.get(), "run", run.id().value()));
        LOG.info("Deployment {}: retraining at {}: {}", deployment.name(), tick, reason.get());
        return state.withPendingRun(Optional.of(run.id().value())).withTrainedTill(trusted);
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
