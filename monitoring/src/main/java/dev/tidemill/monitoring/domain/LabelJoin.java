package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelHandle;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Joins labels to the predictions that they belong to. Thread-safe. */
final class LabelJoin {
    private final MonitorStore store;
    private final JournalStore journal;
    private final Deployments deployments;
    private final DeployedModels models;
    private final Gateway gateway;
    private final Clock clock;

    LabelJoin(
            MonitorStore store,
            JournalStore journal,
            Deployments deployments,
            DeployedModels models,
            Gateway gateway,
            Clock clock) {
        this.store = store;
        this.journal = journal;
        this.deployments = deployments;
        this.models = models;
        this.gateway = gateway;
        this.clock = clock;
    }

    /**
     * Joins labels to their predictions, in short units of work. A label that is there already stays as it is; one of an id that
     * stands for two answers is joined to neither; a value that is no label of the model refuses all of them.
     */
    ReceivedLabels join(String project, String name, List<Label> labels) {
        gateway.flushJournal(project, name);
        Deployment deployment = deployments.deployment(project, name);
        var classes = new HashMap<Integer, List<String>>();
        var joined = new ArrayList<List<JournalStore.Labelled>>();
        var unknown = new ArrayList<String>();
        var reused = new ArrayList<String>();
        var times = new HashMap<String, Instant>();
        for (int start = 0; start < labels.size(); start += JournalStore.BATCH) {
            List<Label> part = labels.subList(start, Math.min(labels.size(), start + JournalStore.BATCH));
            joined.add(compare(deployment, part, classes, unknown, reused, times));
        }
        int accepted = 0;
        int late = 0;
        for (List<JournalStore.Labelled> part : joined) {
            accepted += journal.label(project, name, part, clock.instant());
            late += countLate(project, name, part, times);
        }
        return new ReceivedLabels(
                accepted,
                labels.size() - unknown.size() - reused.size() - accepted,
                unknown,
                Stream.concat(unknown.stream().filter(id -> gateway.isLost(project, name, id)), reused.stream())
                        .toList(),
                late);
    }

    /** The labels of a batch that are new, with their losses. */
    private List<JournalStore.Labelled> compare(
            Deployment deployment,
            List<Label> labels,
            Map<Integer, List<String>> classes,
            List<String> unknown,
            List<String> reused,
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
            } else if (row.reused()) {
                reused.add(label.id());
            } else if (!row.labelled()) {
                List<String> known =
                        classes.computeIfAbsent(row.championVersion(), version -> classes(deployment, version));
                joined.add(new JournalStore.Labelled(
                        label.id(),
                        label.value(),
                        LabelLoss.of(known, row.champion(), label.value()),
                        LabelLoss.of(known, row.challenger(), label.value())));
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
        try (ModelHandle handle = models.load(deployment, version)) {
            return handle.model().classes();
        }
    }
}
