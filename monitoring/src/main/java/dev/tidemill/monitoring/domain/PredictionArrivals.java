package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.platform.sql.Transactions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/**
 * Journals predictions as they arrive, and moves the clock of their deployment by what is new among them. Where the clock
 * tells that rows were held without need, or believed wrongly, they are released or held in the same unit of work.
 * Thread-safe.
 */
final class PredictionArrivals {
    private final MonitorStore store;
    private final SliceStore sums;
    private final JournalStore journal;
    private final Deployments deployments;
    private final DeployedModels models;
    private final Transactions transactions;
    private final MonitorEvents events;
    private final BiConsumer<String, String> wake;

    PredictionArrivals(
            MonitorStore store,
            SliceStore sums,
            JournalStore journal,
            Deployments deployments,
            DeployedModels models,
            Transactions transactions,
            MonitorEvents events,
            BiConsumer<String, String> wake) {
        this.store = store;
        this.sums = sums;
        this.journal = journal;
        this.deployments = deployments;
        this.models = models;
        this.transactions = transactions;
        this.events = events;
        this.wake = wake;
    }

    /**
     * Takes predictions in short units of work; the watermark follows what is written. What is there already changes nothing,
     * and what was answered for a deployment that is gone is left out.
     */
    PredictionSink.Taken append(List<Prediction> batch) {
        int written = 0;
        var reused = new ArrayList<Prediction>();
        for (int start = 0; start < batch.size(); start += JournalStore.BATCH) {
            List<Prediction> part = batch.subList(start, Math.min(batch.size(), start + JournalStore.BATCH));
            // Held in this order by everybody, so that no two wait for each other.
            var byDeployment = part.stream()
                    .collect(Collectors.groupingBy(
                            PredictionArrivals::key, TreeMap::new, Collectors.<Prediction>toList()));
            byDeployment.values().removeIf(arrived -> isGone(arrived.getFirst()));
            JournalStore.Prepared rows = journal.prepare(
                    byDeployment.values().stream().flatMap(List::stream).toList());
            PredictionSink.Taken taken = transactions.write(() -> {
                var quarantined = new HashMap<Prediction, Quarantine>();
                byDeployment.values().forEach(arrived -> moveClock(arrived, quarantined));
                transactions.afterCommit(() -> byDeployment.values().stream()
                        .map(List::getFirst)
                        .forEach(one -> wake.accept(one.project(), one.deployment())));
                return rows.write(quarantined);
            });
            written += taken.written();
            reused.addAll(taken.reused());
        }
        return new PredictionSink.Taken(written, reused);
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
        var beliefs = new Beliefs(journal, project, name, horizon, quarantined);
        EventClock clock = before.clock();
        boolean restarted = false;
        for (Prediction prediction : fresh) {
            EventClock.Taken now = clock.take(
                    prediction.eventTime(), prediction.receivedAt(), horizon, restarted || before.isUndecided());
            restarted |= now.restarted();
            clock = beliefs.take(prediction, now);
        }
        clock = beliefs.settle(clock);
        if (restarted) {
            sums.forgetSlices(project, name);
        }
        if (!fresh.isEmpty()) {
            store.saveClock(before.withClock(clock));
        }
        if (before.clock().quarantined() == 0 && clock.quarantined() > 0) {
            events.append(
                    project,
                    name,
                    "monitor.time.quarantined",
                    Map.of("cause", clock.cause().map(Quarantine::cause).orElse("")));
        }
    }

    /** Those of one deployment that are not journalled yet, each once. The deployment's state is locked. */
    private Collection<Prediction> fresh(List<Prediction> arrived) {
        var fresh = new LinkedHashMap<String, Prediction>();
        arrived.forEach(prediction -> fresh.putIfAbsent(prediction.id(), prediction));
        Prediction first = arrived.getFirst();
        fresh.keySet().removeAll(journal.known(first.project(), first.deployment(), List.copyOf(fresh.keySet())));
        return fresh.values();
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
                        .flatMap(version ->
                                models.version(deployment, version).training().dataUntil())));
        return store.lockState(deployment.project(), deployment.name()).orElseThrow();
    }

    /** How far from the rest an event time may be at once. */
    private Duration horizon(Deployment deployment) {
        return store.monitorOf(deployment).map(Monitor::horizon).orElse(Monitor.SHORTEST_HORIZON);
    }
}
