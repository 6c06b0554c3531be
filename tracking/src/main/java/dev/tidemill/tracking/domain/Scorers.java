package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Scorers of experiments. Thread-safe. */
public final class Scorers {
    private final ScorerStore store;
    private final Experiments experiments;
    private final Transactions transactions;
    private final Clock clock;

    public Scorers(ScorerStore store, Experiments experiments, Transactions transactions, Clock clock) {
        this.store = store;
        this.experiments = experiments;
        this.transactions = transactions;
        this.clock = clock;
    }

    /** Adds a version of the scorer of that name. */
    public Scorer register(String project, String experimentId, String name, String content) {
        return transactions.write(() -> {
            Experiment experiment = experiments.active(project, experimentId);
            List<Scorer> there = store.versions(experiment.id(), Optional.of(name));
            var made = new Scorer(
                    there.isEmpty() ? RunId.next().value() : there.getFirst().id(),
                    experiment.id(),
                    name,
                    there.isEmpty() ? 1 : there.getLast().version() + 1,
                    content,
                    clock.instant());
            store.insert(made);
            return made;
        });
    }

    /** The newest version of each name. */
    public List<Scorer> newest(String project, String experimentId) {
        Map<String, Scorer> newest = new LinkedHashMap<>();
        store.versions(experiments.get(project, experimentId).id(), Optional.empty())
                .forEach(scorer -> newest.put(scorer.name(), scorer));
        return List.copyOf(newest.values());
    }

    public List<Scorer> versions(String project, String experimentId, String name) {
        List<Scorer> versions =
                store.versions(experiments.get(project, experimentId).id(), Optional.of(name));
        if (versions.isEmpty()) {
            throw missing(experimentId, name);
        }
        return versions;
    }

    private static TidemillException missing(String experimentId, String name) {
        return new TidemillException(
                ErrorCode.NOT_FOUND, "Scorer with name '" + name + "' not found for experiment " + experimentId + ".");
    }

    /** @param version the newest one if empty */
    public Scorer get(String project, String experimentId, String name, Optional<Integer> version) {
        List<Scorer> versions = versions(project, experimentId, name);
        return version.isEmpty()
                ? versions.getLast()
                : versions.stream()
                        .filter(scorer -> scorer.version() == version.get())
                        .findFirst()
                        .orElseThrow(() -> new TidemillException(
                                ErrorCode.NOT_FOUND,
                                "Scorer with name '" + name + "' and version " + version.get()
                                        + " not found for experiment " + experimentId + "."));
    }

    public void delete(String project, String experimentId, String name, Optional<Integer> version) {
        transactions.write(() -> {
            get(project, experimentId, name, version);
            store.delete(experiments.get(project, experimentId).id(), name, version);
        });
    }
}
