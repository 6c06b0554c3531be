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
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.statistics.Loss;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The journals of predictions and labels, and what is known from them. Thread-safe. */
public final class Monitoring implements PredictionSink, LabelledRows {
    private final MonitorStore store;
    private final Deployments deployments;
    private final Models models;
    private final Gateway gateway;
    private final ModelLoader loader;
    private final Transactions transactions;
    private final Clock clock;
    private volatile Runnable wake = () -> {};

    public Monitoring(
            MonitorStore store,
            Deployments deployments,
            Models models,
            Gateway gateway,
            ModelLoader loader,
            Transactions transactions,
            Clock clock) {
        this.store = store;
        this.deployments = deployments;
        this.models = models;
        this.gateway = gateway;
        this.loader = loader;
        this.transactions = transactions;
        this.clock = clock;
    }

    void onProgress(Runnable action) {
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

    @Override
    public void append(List<Prediction> batch) {
        transactions.write(() -> {
            store.addPredictions(batch);
            Map<String, Prediction> newest = new HashMap<>();
            Map<String, Prediction> oldest = new HashMap<>();
            for (Prediction prediction : batch) {
                String key = prediction.project() + "~" + prediction.deployment();
                newest.merge(key, prediction, (a, b) -> a.eventTime().isAfter(b.eventTime()) ? a : b);
                oldest.merge(key, prediction, (a, b) -> a.eventTime().isBefore(b.eventTime()) ? a : b);
            }
            oldest.values().forEach(this::ensureState);
            newest.values()
                    .forEach(prediction -> store.moveWatermark(
                            prediction.project(), prediction.deployment(), prediction.eventTime(), false));
            transactions.afterCommit(() -> wake.run());
        });
    }

    private void ensureState(Prediction first) {
        Instant origin = first.eventTime().truncatedTo(ChronoUnit.DAYS);
        store.createState(new MonitorState(
                first.project(),
                first.deployment(),
                origin,
                origin,
                false,
                origin,
                origin,
                Optional.empty(),
                deployments
                        .deployment(first.project(), first.deployment())
                        .champion()
                        .flatMap(version -> champion(first.project(), first.deployment(), version)
                                .dataUntil())));
    }

    private ModelVersion champion(String project, String deployment, int version) {
        return models.version(
                project,
                deployments.deployment(project, deployment).definition().model(),
                version);
    }

    /** A label that has arrived. */
    public record Label(String id, String value) {}

    /**
     * How labels were received.
     *
     * @param unknown ids that no prediction has
     * @param lost those among them whose predictions were answered, but not journalled
     */
    public record Received(int accepted, int repeated, List<String> unknown, List<String> lost) {}

    /** Joins labels to their predictions. A label that is there already stays as it is. */
    public Received label(String project, String name, List<Label> labels) {
        gateway.flushJournal();
        Deployment deployment = deployments.deployment(project, name);
        return transactions.write(() -> {
            int accepted = 0;
            int repeated = 0;
            var unknown = new ArrayList<String>();
            for (Label label : labels) {
                Optional<JournalRow> row = store.findRow(project, name, label.id());
                if (row.isEmpty()) {
                    unknown.add(label.id());
                } else if (row.get().label().isPresent()) {
                    repeated++;
                } else {
                    join(deployment, row.get(), label);
                    accepted++;
                }
            }
            return new Received(
                    accepted,
                    repeated,
                    unknown,
                    unknown.stream()
                            .filter(id -> gateway.isLost(project, name, id))
                            .toList());
        });
    }

    private void join(Deployment deployment, JournalRow row, Label label) {
        List<String> classes;
        try (ModelHandle handle = loaded(deployment, row.championVersion())) {
            classes = handle.model().classes();
        }
        store.label(
                deployment.project(),
                deployment.name(),
                row.id(),
                label.value(),
                clock.instant(),
                row.champion().isEmpty() ? Optional.empty() : Optional.of(loss(classes, row.champion(), label.value())),
                row.challenger().isEmpty()
                        ? Optional.empty()
                        : Optional.of(loss(classes, row.challenger(), label.value())));
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
        ModelVersion model =
                models.version(deployment.project(), deployment.definition().model(), version);
        return loader.acquire(ServedVersion.of(model));
    }

    /** Declares that all data before the time has arrived; decisions that were due are taken from then on. */
    public void declareWatermark(String project, String name, Instant time) {
        gateway.flushJournal();
        Deployment deployment = deployments.deployment(project, name);
        transactions.write(() -> {
            if (store.findState(project, name).isEmpty()) {
                throw TidemillException.invalid(
                        "time",
                        "Deployment '" + deployment.name() + "' has served no prediction yet, so it has no event time");
            }
            store.moveWatermark(project, name, time, true);
            transactions.afterCommit(() -> wake.run());
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
                                .isAfter(state.get().watermark()));
    }

    public List<ClosedWindow> windows(String project, String deployment) {
        return store.windows(project, deployment);
    }

    public List<JournalRow> rows(String project, String deployment, Instant from, Instant until) {
        return store.rows(project, deployment, from, until);
    }

    @Override
    public List<Map<String, Object>> rows(
            String project, String deployment, FeatureView view, Instant from, Instant until) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (JournalRow row : store.rows(project, deployment, from, until)) {
            row.label().ifPresent(label -> {
                var values = new LinkedHashMap<>(row.features());
                values.put(view.time(), row.eventTime().toString().replace("Z", ""));
                values.put(view.label(), label);
                rows.add(values);
            });
        }
        return rows;
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
                .decisions(project, name)
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
        Instant from = store.findState(project, name).map(MonitorState::origin).orElse(Instant.EPOCH);
        for (JournalRow row : store.rows(project, name, from, from.plus(Duration.ofDays(36_500)))) {
            if (row.label().isPresent() && row.servedLoss().isPresent()) {
                double[] sum = sums.computeIfAbsent(month(row.eventTime()), key -> new double[3]);
                List<Double> output = java.util.Arrays.stream(baseline.predict(row.features()))
                        .boxed()
                        .toList();
                sum[0]++;
                sum[1] += row.servedLoss().get();
                sum[2] += loss(baseline.classes(), output, row.label().get());
            }
        }
        return sums;
    }

    private static YearMonth month(Instant time) {
        return YearMonth.from(time.atZone(ZoneOffset.UTC));
    }
}
