package dev.tidemill.pipelines.domain;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Transactions;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Removes runs that ended long ago, with their steps and logs, and results of steps that were kept for reuse. What they refer to in the
 * store of blobs is let go of first, so that it is collected unless something else refers to it.
 */
public final class RunRetention {
    private static final int BATCH = 100;
    private static final Pattern DIGEST = Pattern.compile("(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])");

    private final EndedRuns runs;
    private final MadeBySteps made;
    private final StepLog log;
    private final Transactions transactions;
    private final Consumer<Digest> release;
    private final DeletionHold deletions;

    /**
     * @param made runs with a step that something names as what made it stay
     * @param release lets go of a blob, or a folder with its files
     * @param deletions keeps logs while a backup copies them; what is held is removed another time
     */
    public RunRetention(
            EndedRuns runs,
            MadeBySteps made,
            StepLog log,
            Transactions transactions,
            Consumer<Digest> release,
            DeletionHold deletions) {
        this.deletions = deletions;
        this.runs = runs;
        this.made = made;
        this.log = log;
        this.transactions = transactions;
        this.release = release;
    }

    /** What has been removed. */
    public record Removed(int runs, int reusable) {}

    /**
     * Removes what ended before a time, in short units of work.
     *
     * @param newestKept runs of each pipeline that stay whatever their age
     */
    public Removed apply(Instant before, int newestKept) {
        int removed = 0;
        Optional<EndedRuns.Ended> last = Optional.empty();
        while (true) {
            List<EndedRuns.Ended> found = runs.find(before, newestKept, last, BATCH);
            if (found.isEmpty()) {
                break;
            }
            List<PipelineRunId> old = withoutMakers(found);
            if (!old.isEmpty() && !deletions.unlessHeld(() -> remove(old))) {
                break;
            }
            removed += old.size();
            last = Optional.of(found.getLast());
        }
        int forgotten = 0;
        while (true) {
            List<EndedRuns.Reusable> found = runs.reusable(before, BATCH);
            if (found.isEmpty()) {
                return new Removed(removed, forgotten);
            }
            releaseAll(found.stream().map(EndedRuns.Reusable::outputs).toList());
            transactions.write(() -> runs.deleteReusable(found));
            forgotten += found.size();
        }
    }

    private List<PipelineRunId> withoutMakers(List<EndedRuns.Ended> ended) {
        List<EndedRuns.StepOfRun> steps =
                runs.steps(ended.stream().map(EndedRuns.Ended::id).toList());
        Set<String> makers =
                made.among(steps.stream().map(EndedRuns.StepOfRun::reference).toList());
        Set<PipelineRunId> stay = steps.stream()
                .filter(step -> makers.contains(step.reference()))
                .map(EndedRuns.StepOfRun::run)
                .collect(Collectors.toSet());
        return ended.stream()
                .map(EndedRuns.Ended::id)
                .filter(id -> !stay.contains(id))
                .toList();
    }

    private void remove(List<PipelineRunId> found) {
        releaseAll(runs.texts(found));
        transactions.write(() -> runs.delete(found));
        found.forEach(log::delete);
    }

    private void releaseAll(Collection<String> texts) {
        Set<String> digests = new LinkedHashSet<>();
        texts.forEach(text -> DIGEST.matcher(text).results().forEach(match -> digests.add(match.group())));
        digests.forEach(digest -> release.accept(new Digest(digest)));
    }
}
