package dev.tidemill.tracking.domain;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Removes for good what was deleted long ago: runs with their points and files, logged models with their files, then
 * experiments that are empty. Each
 * transaction is short, so that nobody waits. Thread-safe.
 */
public final class Retention {
    /** Tag by which an experiment says for how many days its deleted runs are kept. */
    public static final String POLICY_TAG = "tidemill.retention.deleted-days";

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

    /** How many runs a purge of the project would remove. */
    public long count(String project, Instant deletedBefore) {
        return store.countRuns(new RetentionStore.Scope.Project(project), deletedBefore);
    }

    /** Removes what a project deleted before a time, by hand: policies are not asked. */
    public Purged purge(String project, Instant deletedBefore, String actor) {
        long runs = purge(new RetentionStore.Scope.Project(project), deletedBefore, actor);
        List<String> experiments =
                transactions.write(() -> store.removeExperiments(Optional.of(project), deletedBefore));
        return new Purged(runs, experiments.size());
    }

    /**
     * Removes everywhere what its policy lets go: an experiment's own, which its tag {@value #POLICY_TAG} says in days (0 keeps
     * its runs for ever), else the server's.
     *
     * @param serverDays days after which deleted runs go where an experiment says nothing; 0 for never
     */
    public Purged apply(long serverDays, Instant now, String actor) {
        long runs = 0;
        for (Map.Entry<Long, String> policy : store.policies().entrySet()) {
            Optional<Duration> kept = days(policy.getValue());
            if (kept.isPresent()) {
                runs += purge(new RetentionStore.Scope.OfExperiment(policy.getKey()), now.minus(kept.get()), actor);
            }
        }
        if (serverDays == 0) {
            return new Purged(runs, 0);
        }
        Instant before = now.minus(Duration.ofDays(serverDays));
        runs += purge(new RetentionStore.Scope.WithoutPolicy(), before, actor);
        List<String> experiments = transactions.write(() -> store.removeExperiments(Optional.empty(), before));
        return new Purged(runs, experiments.size());
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} for a policy that is no number of days */
    static void requirePolicy(String value) {
        if (!value.matches("\\d{1,5}")) {
            throw TidemillException.invalid(
                    "value",
                    "'" + value + "' is not a number of days from 0 (deleted runs are kept for ever) to 99999");
        }
    }

    /** How long a policy keeps deleted runs; empty for ever, and for a text that is no policy. */
    private static Optional<Duration> days(String value) {
        return value.matches("\\d{1,5}") && Integer.parseInt(value) > 0
                ? Optional.of(Duration.ofDays(Integer.parseInt(value)))
                : Optional.empty();
    }

    private long purge(RetentionStore.Scope scope, Instant deletedBefore, String actor) {
        long runs = 0;
        List<RetentionStore.Gone> batch = store.runs(scope, deletedBefore, RUNS);
        while (!batch.isEmpty()) {
            for (RetentionStore.Gone run : batch) {
                purge(run, actor);
                runs++;
            }
            batch = store.runs(scope, deletedBefore, RUNS);
        }
        List<RetentionStore.GoneModel> models = store.models(scope, deletedBefore, RUNS);
        while (!models.isEmpty()) {
            models.forEach(model -> purge(model, actor));
            models = store.models(scope, deletedBefore, RUNS);
        }
        return runs;
    }

    private void purge(RetentionStore.GoneModel model, String actor) {
        deleteElsewhere(model.project(), model.artifacts());
        transactions.write(() -> {
            store.removeModel(model.id());
            files.deleteOwn(model.project(), model.artifacts());
            events.append(
                    Event.of("logged-model.purged", model.project(), "logged-model/" + model.id(), actor, Map.of()));
        });
    }

    /** Elsewhere there are no transactions: the files go first, so that a crash leaves a row to purge, not files nobody knows. */
    private void deleteElsewhere(String project, String artifacts) {
        if (files.own(artifacts).isEmpty()) {
            files.delete(project, artifacts);
        }
    }

    private void purge(RetentionStore.Gone run, String actor) {
        deleteElsewhere(run.project(), run.artifacts());
        boolean more = true;
        while (more) {
            more = transactions.write(() -> store.removePoints(run.number(), POINTS));
        }
        transactions.write(() -> {
            store.remove(run.number());
            files.deleteOwn(run.project(), run.artifacts());
            tree.releaseFolders(run.modelDigest().map(Digest::new).stream().toList());
            events.append(Event.of("run.purged", run.project(), "run/" + run.id(), actor, Map.of()));
        });
    }
}
