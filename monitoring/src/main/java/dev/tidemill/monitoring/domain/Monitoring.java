package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.LabelledRows;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.statistics.Loss;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** The journals of predictions and labels, and what is known from them. Thread-safe. */
public final class Monitoring implements PredictionSink, LabelledRows {
    /** Rows that one unit of work writes: what it takes, its neighbours wait. */
    private static final int BATCH = 500;

    private static final int MOST_DECISIONS = 100_000;
    private static final int MOST_REASON = 1_000;
    private static final Duration WEEK = Duration.ofDays(7);
    private static final Duration FOREVER = Duration.ofDays(36_500);
    /** For how long the journal of a deleted deployment is cleared at a time. */
    static final Duration CLEARING = Duration.ofSeconds(2);

    private final MonitorStore store;
    private final JournalStore journal;
    private final Deployments deployments;
    private final Models models;
    private final Gateway gateway;
    private final ModelLoader loader;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private volatile BiConsumer<String, String> wake = (project, deployment) -> {};

    public Monitoring(
            MonitorStore store,
            JournalStore journal,
            Deployments deployments,
            Models models,
            Gateway gateway,
            ModelLoader loader,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.store = store;
        this.journal = journal;
        this.deployments = deployments;
        this.models = models;
        this.gateway = gateway;
        this.loader = loader;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** Tells who wants to know that something has come for a deployment: project and name. */
    void onProgress(BiConsumer<String, String> action) {
        wake = action;
    }

    public void defineMonitor(String project, String name, Monitor monitor) {
        store.saveMonitor(project, name, monitor);
    }

    /** The monitor that a deployment names. */
    public Optional<Monitor> monitor(Deployment deployment) {
        return deployment
                .definition()
                .monitor()
                .map(name -> store.findMonitor(deployment.project(), name)
                        .orElseThrow(() -> TidemillException.notFound("monitor", name)));
    }

    /**
     * Takes predictions in short units of work; the watermark follows what is written. What is there already changes nothing,
     * and what was answered for a deployment that is gone is left out.
     */
    @Override
    public void append(List<Prediction> batch) {
        for (int start = 0; start < batch.size(); start += BATCH) {
            List<Prediction> part = batch.subList(start, Math.min(batch.size(), start + BATCH));
            // Held in this order by everybody, so that no two wait for each other.
            var byDeployment = part.stream()
                    .collect(Collectors.groupingBy(Monitoring::key, TreeMap::new, Collectors.<Prediction>toList()));
            byDeployment.values().removeIf(arrived -> isGone(arrived.getFirst()));
            Consumer<Map<Prediction, Quarantine>> rows = journal.prepare(
                    byDeployment.values().stream().flatMap(List::stream).toList());
            transactions.write(() -> {
                var quarantined = new HashMap<Prediction, Quarantine>();
                byDeployment.values().forEach(arrived -> moveClock(arrived, quarantined));
                rows.accept(quarantined);
                transactions.afterCommit(() -> byDeployment.values().stream()
                        .map(List::getFirst)
                        .forEach(one -> wake.accept(one.project(), one.deployment())));
            });
        }
    }

    private static String key(Prediction prediction) {
        return Gateway.key(prediction.project(), prediction.deployment());
    }

    private boolean isGone(Prediction prediction) {
        return deployments.find(prediction.project(), prediction.deployment()).isEmpty();
    }

    private void moveClock(List<Prediction> arrived, Map<Prediction, Quarantine> quarantined) {
        Prediction first = arrived.getFirst();
        String project = first.project();
        String name = first.deployment();
        Deployment deployment = deployments.deployment(project, name);
        MonitorState before = store.lockState(project, name).orElseGet(() -> begin(deployment, arrived));
        Collection<Prediction> fresh = fresh(arrived);
        Duration horizon = horizon(deployment);
        EventClock clock = before.clock();
        boolean restarted = false;
        var taken = new ArrayList<Prediction>();
        for (Prediction prediction : fresh) {
            EventClock.Taken now = clock.take(
                    prediction.eventTime(), prediction.receivedAt(), horizon, restarted || before.isUndecided());
            now.quarantine().ifPresent(cause -> quarantined.put(prediction, cause));
            restarted |= now.restarted();
            clock = believe(project, name, now, horizon, taken, quarantined);
            taken.add(prediction);
        }
        if (restarted) {
            store.forgetSlices(project, name);
        }
        if (!fresh.isEmpty()) {
            store.saveClock(before.withClock(clock));
        }
        if (before.clock().quarantined() == 0 && clock.quarantined() > 0) {
            append(
                    project,
                    name,
                    "monitor.time.quarantined",
                    Map.of("cause", clock.cause().map(Quarantine::cause).orElse("")));
        }
    }

    /**
     * Releases and holds what came before as the clock now has it: what is journalled, and what of this batch is not yet.
     *
     * @param taken those of this batch that came before
     */
    private EventClock believe(
            String project,
            String name,
            EventClock.Taken now,
            Duration horizon,
            List<Prediction> taken,
            Map<Prediction, Quarantine> quarantined) {
        EventClock clock = now.clock();
        int change = 0;
        if (now.released().isPresent()) {
            EventClock.Interval released = now.released().get();
            change -= journal.release(project, name, released.from(), released.until());
            for (Prediction prediction : taken) {
                Quarantine cause = quarantined.get(prediction);
                if (cause != null && cause.isFar() && released.holds(prediction.eventTime())) {
                    quarantined.remove(prediction);
                    change--;
                }
            }
        }
        if (now.restarted() && !clock.declared()) {
            var believed =
                    new EventClock.Interval(clock.origin(), clock.watermark().plus(horizon));
            change += journal.hold(project, name, believed.from(), believed.until());
            for (Prediction prediction : taken) {
                if (!quarantined.containsKey(prediction) && !believed.holds(prediction.eventTime())) {
                    quarantined.put(
                            prediction,
                            prediction.eventTime().isBefore(believed.from())
                                    ? Quarantine.FAR_BEHIND
                                    : Quarantine.FAR_AHEAD);
                    change++;
                }
            }
        }
        return clock.counted(change);
    }

    /** Those of one deployment that are not journalled yet, each once. The deployment's state is locked. */
    private Collection<Prediction> fresh(List<Prediction> arrived) {
        var fresh = new LinkedHashMap<String, Prediction>();
        arrived.forEach(prediction -> fresh.putIfAbsent(prediction.id(), prediction));
        Prediction first = arrived.getFirst();
        fresh.keySet().removeAll(journal.known(first.project(), first.deployment(), List.copyOf(fresh.keySet())));
        return fresh.values();
    }

    /** Forgets what is known of a deployment that is gone; its journal goes afterwards, in units of work of its own. */
    public void forget(String project, String name) {
        transactions.write(() -> {
            store.forget(project, name, clock.instant());
            transactions.afterCommit(() -> {
                // A journal of the common size is gone when the caller hears that the deployment is.
                clear(project, name, CLEARING);
                wake.accept(project, name);
            });
        });
    }

    /** Whether the journal of a deployment that is gone is not gone yet. */
    public boolean hasRemains(String project, String name) {
        return store.findGone(project, name).isPresent();
    }

    /** Forgets what a deployment that is gone has left behind, unless it has been made anew. */
    void forgetIfGone(String project, String name) {
        transactions.write(() -> {
            if (deployments.find(project, name).isEmpty()) {
                store.forget(project, name, clock.instant());
            }
        });
    }

    /**
     * Deletes the journal of a deployment that is gone, in short units of work, for a while. Others may do so at the same time.
     *
     * @return whether all of it is gone
     */
    boolean clear(String project, String name, Duration atMost) {
        Optional<MonitorStore.Gone> gone = store.findGone(project, name);
        long deadline = System.nanoTime() + atMost.toNanos();
        boolean left = gone.isPresent();
        while (left && System.nanoTime() < deadline) {
            left = transactions.write(() -> clearSome(gone.get()));
        }
        return !left;
    }

    private boolean clearSome(MonitorStore.Gone gone) {
        if (!store.hold(gone)) {
            return false;
        }
        boolean some = journal.delete(gone.project(), gone.deployment(), JournalStore.PAGE) > 0;
        if (!some) {
            store.settle(gone);
        }
        return some;
    }

    /** Notes that the ticks of a deployment fail, and tells of it once. */
    void halt(String project, String name, String reason) {
        String told = reason.length() <= MOST_REASON ? reason : reason.substring(0, MOST_REASON);
        transactions.write(() -> {
            Optional<MonitorState> state = store.lockState(project, name);
            Optional<MonitorState.Halt> before = state.flatMap(MonitorState::halt);
            if (state.isEmpty() || before.map(MonitorState.Halt::reason).equals(Optional.of(told))) {
                return;
            }
            Instant since = before.map(MonitorState.Halt::since).orElseGet(clock::instant);
            store.saveHalt(project, name, Optional.of(new MonitorState.Halt(told, since)));
            if (before.isEmpty()) {
                append(project, name, "monitor.halted", Map.of("reason", told));
            }
        });
    }

    /** Notes that the ticks of a deployment go on. */
    void resume(String project, String name) {
        transactions.write(() -> {
            store.saveHalt(project, name, Optional.empty());
            append(project, name, "monitor.resumed", Map.of());
        });
    }

    /** Whether the ticks of a deployment fail. */
    public boolean isHalted(String project, String name) {
        return state(project, name).flatMap(MonitorState::halt).isPresent();
    }

    /** Deployments whose ticks fail. */
    public long halted() {
        return store.halted();
    }

    private void append(String project, String name, String type, Map<String, ?> facts) {
        events.append(Event.of(type, project, "deployment/" + name, Event.SYSTEM, facts));
    }

    private MonitorState begin(Deployment deployment, List<Prediction> arrived) {
        Instant receivedAt = arrived.getFirst().receivedAt();
        // What is later than the server's clock is not believed, and so tells nothing but that data has begun.
        Instant start = EventClock.start(
                arrived.stream()
                        .map(one -> one.eventTime().isAfter(one.receivedAt()) ? one.receivedAt() : one.eventTime())
                        .toList(),
                horizon(deployment));
        store.createState(MonitorState.first(
                deployment.project(),
                deployment.name(),
                EventClock.first(start, receivedAt),
                deployment
                        .champion()
                        .flatMap(version -> model(deployment, version).dataUntil())));
        return store.lockState(deployment.project(), deployment.name()).orElseThrow();
    }

    /** How far ahead of the rest an event time may be at once: a week, or a window where that is longer. */
    private Duration horizon(Deployment deployment) {
        return monitor(deployment)
                .map(Monitor::window)
                .filter(window -> window.compareTo(WEEK) > 0)
                .orElse(WEEK);
    }

    private ModelVersion model(Deployment deployment, int version) {
        return models.version(deployment.project(), deployment.definition().model(), version);
    }

    /** A label that has arrived. */
    public record Label(String id, String value) {}

    /**
     * How labels were received.
     *
     * @param unknown ids that no prediction has
     * @param lost those among them whose predictions were answered, but not journalled
     * @param late those that came later than the monitor's label delay, and so count in no window and no trial
     */
    public record Received(int accepted, int repeated, List<String> unknown, List<String> lost, int late) {}

    /**
     * Joins labels to their predictions, in short units of work. A label that is there already stays as it is; a value that
     * is no label of the model refuses all of them.
     */
    public Received label(String project, String name, List<Label> labels) {
        gateway.flushJournal(project, name);
        Deployment deployment = deployments.deployment(project, name);
        var classes = new HashMap<Integer, List<String>>();
        var joined = new ArrayList<List<JournalStore.Labelled>>();
        var unknown = new ArrayList<String>();
        var times = new HashMap<String, Instant>();
        for (int start = 0; start < labels.size(); start += BATCH) {
            List<Label> part = labels.subList(start, Math.min(labels.size(), start + BATCH));
            joined.add(compare(deployment, part, classes, unknown, times));
        }
        int accepted = 0;
        int late = 0;
        for (List<JournalStore.Labelled> part : joined) {
            accepted += journal.label(project, name, part, clock.instant());
            late += countLate(project, name, part, times);
        }
        return new Received(
                accepted,
                labels.size() - unknown.size() - accepted,
                unknown,
                unknown.stream().filter(id -> gateway.isLost(project, name, id)).toList(),
                late);
    }

    /** The labels of a batch that are new, with their losses. */
    private List<JournalStore.Labelled> compare(
            Deployment deployment,
            List<Label> labels,
            Map<Integer, List<String>> classes,
            List<String> unknown,
            Map<String, Instant> times) {
        Map<String, JournalStore.Answered> rows = journal
                .answered(
                        deployment.project(),
                        deployment.name(),
                        labels.stream().map(Label::id).distinct().toList())
                .stream()
                .collect(Collectors.toMap(JournalStore.Answered::id, row -> row));
        var joined = new ArrayList<JournalStore.Labelled>();
        for (Label label : labels) {
            JournalStore.Answered row = rows.get(label.id());
            if (row == null) {
                unknown.add(label.id());
            } else if (!row.labelled()) {
                List<String> known =
                        classes.computeIfAbsent(row.championVersion(), version -> classes(deployment, version));
                joined.add(new JournalStore.Labelled(
                        label.id(),
                        label.value(),
                        row.champion().isEmpty()
                                ? Optional.empty()
                                : Optional.of(loss(known, row.champion(), label.value())),
                        row.challenger().isEmpty()
                                ? Optional.empty()
                                : Optional.of(loss(known, row.challenger(), label.value()))));
                times.put(label.id(), row.eventTime());
            }
        }
        return joined;
    }

    private int countLate(String project, String name, List<JournalStore.Labelled> labels, Map<String, Instant> times) {
        Optional<Instant> summed = store.findState(project, name).flatMap(MonitorState::slicedTill);
        int late = (int) labels.stream()
                .map(label -> times.get(label.id()))
                .filter(time -> time != null && summed.filter(time::isBefore).isPresent())
                .count();
        if (late > 0) {
            store.countLateLabels(project, name, late);
        }
        return late;
    }

    private List<String> classes(Deployment deployment, int version) {
        try (ModelHandle handle = loaded(deployment, version)) {
            return handle.model().classes();
        }
    }

    private static double loss(List<String> classes, List<Double> output, String label) {
        double[] prediction = output.stream().mapToDouble(Double::doubleValue).toArray();
        if (classes.isEmpty()) {
            try {
                return Loss.ABSOLUTE.of(prediction, Double.parseDouble(label));
            } catch (NumberFormatException e) {
                throw TidemillException.invalid("labels", "'" + label + "' is not a number");
            }
        }
        if (!classes.contains(label)) {
            throw TidemillException.invalid("labels", "'" + label + "' is none of the classes " + classes);
        }
        return Loss.ZERO_ONE.of(prediction, classes.indexOf(label));
    }

    private ModelHandle loaded(Deployment deployment, int version) {
        return loader.acquire(ServedVersion.of(model(deployment, version)));
    }

    /** Declares that all data before the time has arrived; decisions that were due are taken from then on. */
    public void declareWatermark(String project, String name, Instant time) {
        if (time.isAfter(clock.instant().plus(EventClock.SKEW))) {
            throw TidemillException.invalid("time", time + " is later than now: data of the future has not arrived");
        }
        gateway.flushJournal(project, name);
        Deployment deployment = deployments.deployment(project, name);
        transactions.write(() -> {
            if (store.findState(project, name).isEmpty()) {
                throw TidemillException.invalid(
                        "time",
                        "Deployment '" + deployment.name() + "' has served no prediction yet, so it has no event time");
            }
            store.declareWatermark(project, name, time);
            transactions.afterCommit(() -> wake.accept(project, name));
        });
    }

    public Optional<MonitorState> state(String project, String deployment) {
        return store.findState(project, deployment);
    }

    /** Whether everything that was due by the watermark has been decided. */
    public boolean isSettled(String project, String name) {
        Deployment deployment = deployments.deployment(project, name);
        Optional<Monitor> monitor = monitor(deployment);
        Optional<MonitorState> state = store.findState(project, name);
        return monitor.isEmpty()
                || state.isEmpty()
                || (state.get().pendingRun().isEmpty()
                        && state.get()
                                .processed()
                                .plus(monitor.get().every())
                                .isAfter(state.get().clock().watermark()));
    }

    /** The newest windows that ended before a time, oldest first. */
    public List<ClosedWindow> windows(String project, String deployment, Instant endedBefore, int limit) {
        return store.newestWindows(project, deployment, Instant.EPOCH.minus(FOREVER), endedBefore, limit);
    }

    /** Predictions, newest first, those before a position. */
    public List<JournalRow> newest(JournalStore.Range range, Optional<JournalStore.Position> before, int limit) {
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

    /** Errors of one month of event time. */
    public record MonthReport(
            String month, long rows, double served, double baseline, int retrainings, int promotions, int rejections) {}

    /** Monthly error of what was served, beside that of one version on the very same rows, as if it had stayed. */
    public List<MonthReport> monthly(String project, String name, int baselineVersion) {
        Deployment deployment = deployments.deployment(project, name);
        Map<YearMonth, double[]> sums;
        try (ModelHandle handle = loaded(deployment, baselineVersion)) {
            sums = errors(project, name, handle.model());
        }
        var counts = new HashMap<YearMonth, int[]>();
        deployments
                .decisions(project, name, Long.MAX_VALUE, MOST_DECISIONS)
                .forEach(decision -> decision.at().ifPresent(at -> {
                    int[] count = counts.computeIfAbsent(month(at.minusMillis(1)), key -> new int[3]);
                    switch (decision.action()) {
                        case SHADOWED -> count[0]++;
                        case PROMOTED -> count[1]++;
                        case REJECTED -> {
                            count[2]++;
                            // turned down at the gate: trained, but never in shadow
                            count[0] += decision.reason().startsWith("at the gate") ? 1 : 0;
                        }
                        default -> {
                            // other decisions are not counted
                        }
                    }
                }));
        var report = new ArrayList<MonthReport>();
        sums.forEach((month, sum) -> {
            int[] count = counts.getOrDefault(month, new int[3]);
            report.add(new MonthReport(
                    month.toString(), (long) sum[0], sum[1] / sum[0], sum[2] / sum[0], count[0], count[1], count[2]));
        });
        return report;
    }

    /** By month: rows, sum of the served errors, sum of the baseline's. */
    private Map<YearMonth, double[]> errors(String project, String name, LoadedModel baseline) {
        var sums = new TreeMap<YearMonth, double[]>();
        Instant from = store.findState(project, name)
                .map(state -> state.clock().origin())
                .orElse(Instant.EPOCH);
        journal.forEach(new JournalStore.Range(project, name, from, from.plus(FOREVER)), row -> {
            if (row.label().isPresent() && row.servedLoss().isPresent()) {
                double[] sum = sums.computeIfAbsent(month(row.eventTime()), key -> new double[3]);
                List<Double> output = java.util.Arrays.stream(baseline.predict(row.features()))
                        .boxed()
                        .toList();
                sum[0]++;
                sum[1] += row.servedLoss().get();
                sum[2] += loss(baseline.classes(), output, row.label().get());
            }
        });
        return sums;
    }

    private static YearMonth month(Instant time) {
        return YearMonth.from(time.atZone(ZoneOffset.UTC));
    }
}
