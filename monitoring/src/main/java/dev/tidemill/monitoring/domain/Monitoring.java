package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.LabelledRows;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.registry.domain.Models;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** The journals of predictions and labels, and what is known from them. Thread-safe. */
public final class Monitoring implements PredictionSink, LabelledRows {
    private final MonitorStore store;
    private final JournalStore journal;
    private final Deployments deployments;
    private final Gateway gateway;
    private final Transactions transactions;
    private final Clock clock;
    private final PredictionArrivals arrivals;
    private final LabelJoin labels;
    private final MonthlyReport report;
    private final DeletedDeployments deleted;
    private final Halts halts;
    private volatile BiConsumer<String, String> wake = (project, deployment) -> {};

    public Monitoring(
            MonitorStore store,
            SliceStore sums,
            JournalStore journal,
            Deployments deployments,
            Rollouts rollouts,
            Models models,
            Gateway gateway,
            ModelLoader loader,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.store = store;
        this.journal = journal;
        this.deployments = deployments;
        this.gateway = gateway;
        this.transactions = transactions;
        this.clock = clock;
        var deployed = new DeployedModels(models, loader);
        var told = new MonitorEvents(events);
        BiConsumer<String, String> progress = (project, deployment) -> wake.accept(project, deployment);
        this.arrivals =
                new PredictionArrivals(store, sums, journal, deployments, deployed, transactions, told, progress);
        this.labels = new LabelJoin(store, journal, deployments, deployed, gateway, clock);
        this.report = new MonthlyReport(store, journal, deployments, rollouts, deployed);
        this.deleted = new DeletedDeployments(store, journal, deployments, transactions, clock, progress);
        this.halts = new Halts(store, transactions, told, clock);
    }

    /** Tells who wants to know that something has come for a deployment: project and name. */
    void onProgress(BiConsumer<String, String> action) {
        wake = action;
    }

    public void defineMonitor(String project, String name, Monitor monitor) {
        store.saveMonitor(project, name, monitor);
    }

    /**
     * Takes predictions in short units of work; the watermark follows what is written. What is there already changes nothing,
     * and what was answered for a deployment that is gone is left out.
     */
    @Override
    public Taken append(List<Prediction> batch) {
        return arrivals.append(batch);
    }

    /** Forgets what is known of a deployment that is gone; its journal goes afterwards, in units of work of its own. */
    public void forget(String project, String name) {
        deleted.forget(project, name);
    }

    /** Whether the journal of a deployment that is gone is not gone yet. */
    public boolean hasRemains(String project, String name) {
        return deleted.hasRemains(project, name);
    }

    DeletedDeployments deleted() {
        return deleted;
    }

    Halts halts() {
        return halts;
    }

    /** Whether the ticks of a deployment fail. */
    public boolean isHalted(String project, String name) {
        return state(project, name).flatMap(MonitorState::halt).isPresent();
    }

    /** Deployments whose ticks fail. */
    public long halted() {
        return store.halted();
    }

    /**
     * Joins labels to their predictions, in short units of work. The last one that comes counts: another value takes the place of the
     * one that is there. One of an id that stands for two answers is joined to neither; one whose version is gone is refused alone; a
     * value that is no label of the model refuses all of them.
     */
    public ReceivedLabels label(String project, String name, List<Label> received) {
        return labels.join(project, name, received);
    }

    /** Monthly error of what was served, beside that of one version on the very same rows, as if it had stayed. */
    public List<MonthReport> monthly(String project, String name, int baselineVersion) {
        return report.of(project, name, baselineVersion);
    }

    /** Declares that all data before the time has arrived; decisions that were due are taken from then on. */
    public void declareWatermark(String project, String name, Instant time) {
        if (time.isAfter(clock.instant().plus(EventClock.SKEW))) {
            throw TidemillException.invalid("time", time + " is later than now: data of the future has not arrived");
        }
        gateway.flushJournal(project, name);
        Deployment deployment = deployments.deployment(project, name);
        transactions.write(() -> {
            EventClock before = store.lockState(project, name)
                    .orElseThrow(() -> TidemillException.invalid(
                            "time",
                            "Deployment '" + deployment.name()
                                    + "' has served no prediction yet, so it has no event time"))
                    .clock();
            if (time.isBefore(before.origin())) {
                throw TidemillException.invalid(
                                "time", time + " is before the first event time of the deployment, " + before.origin())
                        .remedy(
                                "Declare the time before which all data has arrived; from then on predictions of the past no longer move it");
            }
            store.declareWatermark(project, name, time, clock.instant());
            if (before.quarantined() > 0 && time.isAfter(before.watermark())) {
                release(project, name, before.watermark(), time);
            }
            transactions.afterCommit(() -> wake.accept(project, name));
        });
    }

    /** Releases what was held as far ahead and what the watermark has come to. */
    private void release(String project, String name, Instant from, Instant until) {
        int released = journal.release(project, name, from, until).rows();
        MonitorState state = store.findState(project, name).orElseThrow();
        store.saveClock(state.withClock(state.clock().counted(-released)));
    }

    public Optional<MonitorState> state(String project, String deployment) {
        return store.findState(project, deployment);
    }

    /** Whether everything that was due by the watermark has been decided. */
    public boolean isSettled(String project, String name) {
        Deployment deployment = deployments.deployment(project, name);
        Optional<Monitor> monitor = store.monitorOf(deployment);
        Optional<MonitorState> state = store.findState(project, name);
        return monitor.isEmpty()
                || state.isEmpty()
                || (state.get().pendingRun().isEmpty()
                        && state.get()
                                .processed()
                                .plus(monitor.get().every())
                                .isAfter(state.get().clock().watermark()));
    }

    /** The newest windows that ended before a time, oldest first; fewer than asked for where they hold much. */
    public Portion<ClosedWindow> windows(String project, String deployment, Instant endedBefore, int limit) {
        return store.windowsPage(project, deployment, endedBefore, limit);
    }

    /** Predictions, newest first, those before a position; fewer than asked for where they hold much. */
    public Portion<JournalRow> newest(JournalStore.Range range, Optional<JournalStore.Position> before, int limit) {
        return journal.newest(range, before, limit);
    }

    public long count(JournalStore.Range range) {
        return journal.count(range);
    }

    @Override
    public void forEach(
            String project,
            String deployment,
            FeatureView view,
            Instant from,
            Instant until,
            Consumer<Map<String, Object>> taker) {
        journal.forEach(
                new JournalStore.Range(project, deployment, from, until),
                row -> row.label().ifPresent(label -> {
                    var values = new LinkedHashMap<>(row.features());
                    values.put(view.time(), row.eventTime().toString().replace("Z", ""));
                    values.put(view.label(), label);
                    taker.accept(values);
                }));
    }
}
