package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Joins labels to the predictions that they belong to. Thread-safe. */
final class LabelJoin {
    private static final Logger LOG = LoggerFactory.getLogger(LabelJoin.class);

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
     * Joins labels to their predictions, in short units of work. The last one that comes counts: another value takes the place of the
     * one that is there. One of an id that stands for two answers is joined to neither; one whose version is gone is refused alone; a
     * value that is no label of the model refuses all of them.
     */
    ReceivedLabels join(String project, String name, List<Label> labels) {
        gateway.flushJournal(project, name);
        var comparison = new Comparison(deployments.deployment(project, name));
        for (int start = 0; start < labels.size(); start += JournalStore.BATCH) {
            comparison.add(labels.subList(start, Math.min(labels.size(), start + JournalStore.BATCH)));
        }
        int accepted = 0;
        int corrected = 0;
        int late = 0;
        for (List<JournalStore.Labelled> part : comparison.parts) {
            // What is there may have changed since it was compared: what is written decides what it is called.
            JournalStore.Labelling labelling = journal.label(project, name, part, clock.instant());
            accepted += labelling.first();
            corrected += labelling.other();
            late += countLate(project, name, part, comparison.times);
        }
        List<String> unknown = comparison.unknown;
        List<String> reused = comparison.reused;
        return new ReceivedLabels(
                accepted,
                corrected,
                labels.size() - unknown.size() - reused.size() - comparison.refused.size() - accepted - corrected,
                unknown,
                Stream.concat(unknown.stream().filter(id -> gateway.isLost(project, name, id)), reused.stream())
                        .toList(),
                late,
                comparison.refused);
    }

    /** The labels of one request beside what is journalled. Not thread-safe. */
    private final class Comparison {
        private final Deployment deployment;
        private final Map<Integer, Classes> classes = new HashMap<>();
        private final Map<Integer, Optional<LabelMeaning>> tried = new HashMap<>();
        private final Map<String, String> known = new HashMap<>();
        private final Map<String, Instant> times = new HashMap<>();
        /** What is to be written of each batch. */
        private final List<List<JournalStore.Labelled>> parts = new ArrayList<>();

        private final List<String> unknown = new ArrayList<>();
        private final List<String> reused = new ArrayList<>();
        private final List<ReceivedLabels.Refused> refused = new ArrayList<>();

        private Comparison(Deployment deployment) {
            this.deployment = deployment;
        }

        /** Adds a batch, with the losses that its labels tell. */
        private void add(List<Label> labels) {
            Map<String, JournalStore.Answered> rows = journal
                    .answered(
                            deployment.project(),
                            deployment.name(),
                            labels.stream().map(Label::id).distinct().toList())
                    .stream()
                    .collect(Collectors.toMap(JournalStore.Answered::id, row -> row));
            var part = new ArrayList<JournalStore.Labelled>();
            for (Label label : labels) {
                JournalStore.Answered row = rows.get(label.id());
                if (row == null) {
                    unknown.add(label.id());
                } else if (row.reused()) {
                    reused.add(label.id());
                } else {
                    add(row, label, part);
                }
            }
            parts.add(part);
        }

        /** Of a challenger that is gone or cannot be loaded nobody knows what its answers mean, which keeps no label away. */
        private Optional<MeasuredLoss> challengerLoss(JournalStore.Answered row, String label) {
            if (row.challenger().isEmpty()) {
                return Optional.empty();
            }
            return row.challengerVersion()
                    .flatMap(number -> tried.computeIfAbsent(number, this::meaning))
                    .flatMap(meaning -> meaning.loss(row.challenger(), label));
        }

        private Optional<LabelMeaning> meaning(int version) {
            try {
                return switch (classes(deployment, version)) {
                    case Classes.Gone gone -> Optional.empty();
                    case Classes.Known found -> Optional.of(found.meaning());
                };
            } catch (TidemillException e) {
                LOG.warn(
                        "The labels of '{}' are not held against version {}: {}",
                        deployment.name(),
                        version,
                        e.message());
                return Optional.empty();
            }
        }

        private void add(JournalStore.Answered row, Label label, List<JournalStore.Labelled> part) {
            Optional<String> before = Optional.ofNullable(known.get(label.id())).or(row::label);
            if (before.filter(label.value()::equals).isPresent()) {
                return;
            }
            switch (classes.computeIfAbsent(row.championVersion(), version -> classes(deployment, version))) {
                case Classes.Gone gone -> refused.add(new ReceivedLabels.Refused(label.id(), gone.reason()));
                case Classes.Known found -> {
                    found.meaning().require(row.champion(), label.value());
                    part.add(new JournalStore.Labelled(
                            label.id(),
                            label.value(),
                            found.meaning().loss(row.champion(), label.value()),
                            challengerLoss(row, label.value())));
                    known.put(label.id(), label.value());
                    times.put(label.id(), row.eventTime());
                }
            }
        }
    }

    private int countLate(String project, String name, List<JournalStore.Labelled> part, Map<String, Instant> times) {
        Optional<Instant> summed = store.findState(project, name).flatMap(MonitorState::slicedTill);
        int late = (int) part.stream()
                .map(label -> times.get(label.id()))
                .filter(time -> time != null && summed.filter(time::isBefore).isPresent())
                .count();
        if (late > 0) {
            store.countLateLabels(project, name, late);
        }
        return late;
    }

    /** What a version can be labelled with. */
    private sealed interface Classes {
        record Known(LabelMeaning meaning) implements Classes {}

        record Gone(String reason) implements Classes {}
    }

    private Classes classes(Deployment deployment, int version) {
        ServedVersion served;
        try {
            served = models.served(deployment, version);
        } catch (TidemillException e) {
            if (e.code() == ErrorCode.NOT_FOUND || e.code() == ErrorCode.FAILED_PRECONDITION) {
                return new Classes.Gone(
                        "version " + version + " that answered cannot tell what its labels mean: " + e.getMessage());
            }
            throw e;
        }
        // What cannot be loaded now may be at the next call, and is no reason to lose a label: that refuses the
        // request.
        try (ModelHandle handle = models.load(served)) {
            return new Classes.Known(LabelMeaning.of(handle.model()));
        }
    }
}
