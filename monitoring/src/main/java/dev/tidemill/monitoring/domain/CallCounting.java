package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Reliability;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts tick by tick on how many rows a challenger was asked and on how many it failed, so that no tick reads a whole trial.
 * An interval is counted when its tick is taken, and once more when its labels have matured, for what has come late.
 * Thread-safe.
 */
final class CallCounting {
    private final SliceStore store;
    private final JournalStore journal;

    CallCounting(SliceStore store, JournalStore journal) {
        this.store = store;
        this.journal = journal;
    }

    /**
     * What is known of a challenger at a tick.
     *
     * @param reliability since it was offered
     * @param changed intervals that were counted, to be committed with the tick
     */
    record Counted(Reliability reliability, List<ChallengerCalls> changed) {}

    /** Counts up to the tick that is seen; the deployment has a challenger. */
    Counted upTo(Ticks.Seen seen) {
        Deployment deployment = seen.deployment();
        String project = deployment.project();
        String name = deployment.name();
        int challenger = deployment.challenger().orElseThrow();
        Instant since = seen.offeredAt();
        SliceStore.CallTotals totals = store.callTotals(project, name, challenger, since);
        long asked = totals.reliability().asked();
        long failed = totals.reliability().failed();
        var changed = new ArrayList<ChallengerCalls>();
        Instant maturedBefore = seen.state().processed().minus(seen.monitor().labelDelay());
        for (ChallengerCalls before : store.callsEnding(
                project, name, challenger, maturedBefore.isBefore(since) ? since : maturedBefore, seen.trusted())) {
            ChallengerCalls now = count(deployment, challenger, before.startsAt(), before.endsAt());
            if (!now.equals(before)) {
                asked += now.reliability().asked() - before.reliability().asked();
                failed += now.reliability().failed() - before.reliability().failed();
                changed.add(now);
            }
        }
        Instant from = totals.until().orElse(since);
        if (from.isBefore(seen.tick())) {
            ChallengerCalls fresh = count(deployment, challenger, from, seen.tick());
            asked += fresh.reliability().asked();
            failed += fresh.reliability().failed();
            changed.add(fresh);
        }
        return new Counted(new Reliability(asked, failed), changed);
    }

    private ChallengerCalls count(Deployment deployment, int challenger, Instant from, Instant until) {
        var range = new JournalStore.Range(deployment.project(), deployment.name(), from, until);
        return new ChallengerCalls(from, until, challenger, journal.reliability(range, challenger));
    }
}
