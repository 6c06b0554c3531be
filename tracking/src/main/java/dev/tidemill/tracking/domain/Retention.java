package dev.tidemill.tracking.domain;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Removes for good what was deleted long ago: runs with their points and files, then experiments that are empty. Each
 * transaction is short, so that nobody waits. Thread-safe.
 */
public final class Retention {
    private static final int RUNS = 100;
    private static final int POINTS = 20_000;

    private final RetentionStore store;
    private final ArtifactTree tree;
    private final LocatedFiles files;
    private final Transactions transactions;
    private final EventLog events;

    public Retention(
            RetentionStore store, ArtifactTree tree, LocatedFiles files, Transactions transactions, EventLog events) {
        this.store = store;
        this.tree = tree;
        this.files = files;
        this.transactions = transactions;
        this.events = events;
    }

    /** What is gone now. */
    public record Purged(long runs, long experiments) {}

    /** How many runs a purge would remove. */
    public long count(Optional<String> project, Instant deletedBefore) {
        return store.countRuns(project, deletedBefore);
    }

    /** @param project all of them if empty */
    public Purged purge(Optional<String> project, Instant deletedBefore, String actor) {
        long runs = 0;
        List<RetentionStore.Gone> batch = store.runs(project, deletedBefore, RUNS);
        while (!batch.isEmpty()) {
            for (RetentionStore.Gone run : batch) {
                purge(run, actor);
                runs++;
            }
            batch = store.runs(project, deletedBefore, RUNS);
        }
        List<String> experiments = transactions.write(() -> store.removeExperiments(project, deletedBefore));
        return new Purged(runs, experiments.size());
    }

    private void purge(RetentionStore.Gone run, String actor) {
        if (files.own(run.artifacts()).isEmpty()) {
            // Elsewhere there are no transactions: the files go first, so that a crash leaves a run to purge, not files
            // nobody knows.
            files.delete(run.project(), run.artifacts());
        }
        boolean more = true;
        while (more) {
            more = transactions.write(() -> store.removePoints(run.number(), POINTS));
        }
        transactions.write(() -> {
            store.remove(run.number());
            if (files.own(run.artifacts()).isPresent()) {
                files.delete(run.project(), run.artifacts());
            }
            run.modelDigest().map(Digest::new).ifPresent(tree::release);
            events.append(Event.of("run.purged", run.project(), "run/" + run.id(), actor, Map.of()));
        });
    }
}
