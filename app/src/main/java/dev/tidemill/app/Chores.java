package dev.tidemill.app;

import dev.tidemill.app.Housekeeping.Chore;
import dev.tidemill.artifacts.ArtifactsModule;
import dev.tidemill.datasets.DatasetsModule;
import dev.tidemill.pipelines.PipelinesModule;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.tracking.domain.Retention;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/** What the domains need done regularly, so that nothing grows for ever. */
final class Chores {
    private static final Duration ABANDONED = Duration.ofDays(7);
    private static final Duration GRACE = Duration.ofDays(1);
    private static final int NEWEST_RUNS = 10;

    private Chores() {}

    /** @param days after how many days deleted runs are gone for good; 0 for never */
    static Chore deletedRuns(Retention retention, long days, Clock clock) {
        return new Chore("Deleted runs", () -> {
            long runs = retention.apply(days, clock.instant(), Event.SYSTEM).runs();
            return told(runs > 0, runs + " are gone, as their retention policies say");
        });
    }

    static Chore abandonedUploads(ArtifactsModule artifacts, Clock clock) {
        return Chore.silent(
                "Uploads", () -> artifacts.uploads().abandon(clock.instant().minus(ABANDONED)));
    }

    /**
     * @param models runs that made a registered version stay, so that it can be made again
     * @param days after which ended runs go; 0 for never
     */
    static Chore pipelineRuns(
            PipelinesModule pipelines,
            ArtifactsModule artifacts,
            Models models,
            DeletionHold deletions,
            long days,
            Clock clock) {
        var retention = pipelines.retention(
                models::makers,
                digest -> {
                    if (artifacts.blobs().find(digest).isPresent()) {
                        artifacts.tree().release(digest);
                    }
                },
                deletions);
        return new Chore("Pipeline runs", () -> {
            if (days == 0) {
                return Optional.empty();
            }
            var removed = retention.apply(clock.instant().minus(Duration.ofDays(days)), NEWEST_RUNS);
            return told(
                    removed.runs() + removed.reusable() > 0,
                    removed.runs() + " that ended more than " + days + " days ago are gone, and " + removed.reusable()
                            + " results kept for reuse");
        });
    }

    /** What is older than it is kept. */
    static Chore kept(Kept entries, Clock clock) {
        return new Chore("Old " + entries.name(), () -> {
            long gone = entries.collect(clock.instant());
            return told(gone > 0, gone + " that are older or more than are kept are gone");
        });
    }

    static Chore tables(DatasetsModule datasets, Clock clock) {
        return new Chore("Tables", () -> {
            var collected = datasets.collect(clock.instant().minus(GRACE));
            return told(
                    collected.files() > 0 || collected.failed() > 0,
                    collected.files() + " files of " + collected.bytes() + " bytes that no version holds are gone"
                            + (collected.failed() > 0 ? "; " + collected.failed() + " tables cannot be read" : ""));
        });
    }

    /** After those that let go of blobs. */
    static Chore blobs(ArtifactsModule artifacts) {
        return new Chore("Blobs", () -> {
            var collected = artifacts.collector().collect(GRACE, false);
            return told(
                    collected.blobs() > 0,
                    collected.blobs() + " of " + collected.bytes() + " bytes that nothing refers to are gone");
        });
    }

    private static Optional<String> told(boolean something, String text) {
        return something ? Optional.of(text) : Optional.empty();
    }
}
