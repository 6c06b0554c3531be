package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelHandle;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;

/** Reports the errors of a deployment by month of event time. Thread-safe. */
final class MonthlyReport {
    private static final int MOST_DECISIONS = 100_000;
    private static final Duration FOREVER = Duration.ofDays(36_500);

    private final MonitorStore store;
    private final JournalStore journal;
    private final Deployments deployments;
    private final Rollouts rollouts;
    private final DeployedModels models;

    MonthlyReport(
            MonitorStore store,
            JournalStore journal,
            Deployments deployments,
            Rollouts rollouts,
            DeployedModels models) {
        this.store = store;
        this.journal = journal;
        this.deployments = deployments;
        this.rollouts = rollouts;
        this.models = models;
    }

    /** Monthly error of what was served, beside that of one version on the very same rows, as if it had stayed. */
    List<MonthReport> of(String project, String name, int baselineVersion) {
        Deployment deployment = deployments.deployment(project, name);
        Map<YearMonth, double[]> sums;
        try (ModelHandle handle = models.load(models.served(deployment, baselineVersion))) {
            sums = errors(project, name, handle.model());
        }
        Map<YearMonth, int[]> counts = decisions(project, name);
        var report = new ArrayList<MonthReport>();
        sums.forEach((month, sum) -> {
            int[] count = counts.getOrDefault(month, new int[3]);
            report.add(new MonthReport(
                    month.toString(), (long) sum[0], sum[1] / sum[0], sum[2] / sum[0], count[0], count[1], count[2]));
        });
        return report;
    }

    /** By month: retrainings, promotions, rejections. */
    private Map<YearMonth, int[]> decisions(String project, String name) {
        var counts = new HashMap<YearMonth, int[]>();
        rollouts.decisions(project, name, Long.MAX_VALUE, MOST_DECISIONS)
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
        return counts;
    }

    /** By month: rows, sum of the served errors, sum of the baseline's. */
    private Map<YearMonth, double[]> errors(String project, String name, LoadedModel baseline) {
        var sums = new TreeMap<YearMonth, double[]>();
        LabelMeaning meaning = LabelMeaning.of(baseline);
        var own = new AtomicBoolean();
        var strange = new ArrayList<String>();
        Instant from = store.findState(project, name)
                .map(state -> state.clock().origin())
                .orElse(Instant.EPOCH);
        journal.forEach(new JournalStore.Range(project, name, from, from.plus(FOREVER)), row -> {
            if (row.label().isPresent() && row.servedLoss().isPresent()) {
                List<Object> output = baseline.predict(row.features());
                String label = row.label().get();
                if (meaning.isLabel(output, label)) {
                    own.set(true);
                } else if (strange.isEmpty()) {
                    strange.add(label);
                }
                // A class that the baseline does not know is one that it never gets right.
                meaning.loss(output, label).filter(loss -> isLike(row, loss)).ifPresent(loss -> {
                    double[] sum = sums.computeIfAbsent(month(row.eventTime()), key -> new double[3]);
                    sum[0]++;
                    sum[1] += row.servedLoss().get();
                    sum[2] += loss.value();
                });
            }
        });
        if (!own.get()) {
            strange.forEach(label -> meaning.require(List.of(), label));
        }
        return sums;
    }

    /** A distance and an error rate stand beside each other in no month. */
    private static boolean isLike(JournalRow row, MeasuredLoss loss) {
        return row.servedLossKind().filter(kind -> kind != loss.kind()).isEmpty();
    }

    private static YearMonth month(Instant time) {
        return YearMonth.from(time.atZone(ZoneOffset.UTC));
    }
}
