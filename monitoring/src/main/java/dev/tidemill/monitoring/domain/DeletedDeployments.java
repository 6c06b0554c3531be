package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BiConsumer;

/** What deployments that are gone leave behind, and how it is cleared away. Thread-safe. */
final class DeletedDeployments {
    /** For how long the journal of a deleted deployment is cleared at a time. */
    static final Duration CLEARING = Duration.ofSeconds(2);

    private final MonitorStore store;
    private final JournalStore journal;
    private final Deployments deployments;
    private final Transactions transactions;
    private final Clock clock;
    private final BiConsumer<String, String> wake;

    DeletedDeployments(
            MonitorStore store,
            JournalStore journal,
            Deployments deployments,
            Transactions transactions,
            Clock clock,
            BiConsumer<String, String> wake) {
        this.store = store;
        this.journal = journal;
        this.deployments = deployments;
        this.transactions = transactions;
        this.clock = clock;
        this.wake = wake;
    }

    /** Forgets what is known of a deployment that is gone; its journal goes afterwards, in units of work of its own. */
    void forget(String project, String name) {
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
    boolean hasRemains(String project, String name) {
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
}
