package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Policy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * When to retrain: lasting loss of quality does, old training data does, drift alone does not, and broken data forbids it.
 * Pure.
 */
final class RetrainRule {
    private RetrainRule() {}

    /**
     * What the rule finds.
     *
     * @param reason why to retrain; empty not to
     * @param obstacle why not to; empty where there is a reason
     */
    record Judgement(Optional<String> reason, Optional<Obstacle> obstacle) {
        private static Judgement retrain(String reason) {
            return new Judgement(Optional.of(reason), Optional.empty());
        }

        private static Judgement wait(Obstacle obstacle) {
            return new Judgement(Optional.empty(), Optional.of(obstacle));
        }
    }

    /**
     * Judges the windows.
     *
     * @param windows that began after the champion took over and have closed, oldest first
     * @param last the newest that has closed, whoever was champion: what is trained on broken data is broken
     * @param trusted event time up to which labels have matured
     * @param quietSince event time of the last decision about the deployment
     * @param trainedTill event time up to which the newest training has seen labels
     */
    static Judgement judge(
            Policy.Retrain policy,
            Monitor monitor,
            List<ClosedWindow> windows,
            Optional<ClosedWindow> last,
            Instant trusted,
            Instant quietSince,
            Optional<Instant> trainedTill) {
        if (Duration.between(quietSince, trusted).compareTo(policy.coolDown()) < 0) {
            return Judgement.wait(Obstacle.toAwait(
                    Obstacle.Kind.COOL_DOWN,
                    "the last decision, or the first data, is of " + quietSince + ", and for " + policy.coolDown()
                            + " (cool-down) after it nothing is retrained",
                    "It ends when labels up to " + quietSince.plus(policy.coolDown()) + " have matured"));
        }
        List<ClosedWindow> newest = windows.subList(Math.max(0, windows.size() - policy.of()), windows.size());
        if (last.filter(ClosedWindow::broken).isPresent()) {
            return Judgement.wait(broken(last.get()));
        }
        long degraded = newest.stream().filter(ClosedWindow::degraded).count();
        if (degraded >= policy.degraded()) {
            ClosedWindow worst = newest.getLast();
            return Judgement.retrain(String.format(
                    Locale.ROOT,
                    "quality fell in %d of the last %d windows: error %.4g where the reference is %.4g",
                    degraded,
                    newest.size(),
                    worst.error().orElse(Double.NaN),
                    worst.referenceError().orElse(Double.NaN)));
        }
        Optional<Duration> old = policy.atLeastEvery()
                .filter(age -> trainedTill
                        .map(till -> Duration.between(till, trusted).compareTo(age) >= 0)
                        .orElse(false));
        return old.map(age -> Judgement.retrain("the newest training is older than " + age))
                .orElseGet(() -> Judgement.wait(unjudged(newest, monitor)
                        .orElseGet(() -> Obstacle.toAwait(
                                        Obstacle.Kind.QUALITY_HOLDS,
                                        degraded + " of the last " + newest.size() + " windows are degraded, and "
                                                + policy.degraded() + " of " + policy.of() + " would retrain",
                                        "Nothing is wrong. To train all the same, run the pipeline '"
                                                + policy.pipeline() + "'")
                                .of(newest.getLast()))));
    }

    /** That a window is broken. */
    static Obstacle broken(ClosedWindow window) {
        return Obstacle.toRemove(Obstacle.Kind.BROKEN_WINDOW, BrokenData.reason(window), BrokenData.REMEDY)
                .of(window);
    }

    /** Why the newest window tells nothing of the quality, if it does not. */
    private static Optional<Obstacle> unjudged(List<ClosedWindow> newest, Monitor monitor) {
        if (newest.isEmpty()) {
            return Optional.of(Obstacle.toAwait(
                    Obstacle.Kind.NO_WINDOW,
                    "no window that began after the champion took over has closed",
                    "A window of " + monitor.window() + " closes when data has come to " + monitor.labelDelay()
                            + " (label-delay) after its end"));
        }
        ClosedWindow last = newest.getLast();
        Optional<Obstacle> found = Optional.empty();
        if (last.labelled() == 0) {
            found = Optional.of(Obstacle.toRemove(
                    Obstacle.Kind.NO_LABELS,
                    "no label has come for any of the " + last.rows() + " rows of the window from " + last.startsAt()
                            + " to " + last.endsAt() + ", so its error is not known",
                    "Send labels to .../labels within " + monitor.labelDelay()
                            + " (label-delay) of the predictions' event times, or raise 'label-delay'"));
        } else if (last.error().isEmpty() && last.labelled() >= monitor.coverage() * last.rows()) {
            found = Optional.of(Obstacle.toAwait(
                    Obstacle.Kind.LOSSES_DIFFER,
                    "some answers of the window from " + last.startsAt() + " to " + last.endsAt()
                            + " are scored by whether the class is right and others by the distance from the label, so they"
                            + " have no error in common",
                    "Wait for a window that one version alone has answered"));
        } else if (last.error().isEmpty()) {
            found = Optional.of(Obstacle.toRemove(
                    Obstacle.Kind.TOO_FEW_LABELS,
                    last.labelled() + " of the " + last.rows() + " rows of the window from " + last.startsAt() + " to "
                            + last.endsAt() + " are labelled, less than the share of " + monitor.coverage()
                            + " (coverage) that its error needs",
                    "Send the labels that are missing within " + monitor.labelDelay()
                            + " (label-delay), or lower 'coverage' of the monitor"));
        } else if (last.referenceError().isEmpty()) {
            found = Optional.of(Obstacle.toAwait(
                    Obstacle.Kind.NO_REFERENCE_ERROR,
                    "version " + last.version() + " was registered without the metric 'error', so its first "
                            + ReferenceError.OWN_WINDOWS
                            + " windows with enough labels are what later ones are held against, and they have not"
                            + " all closed yet",
                    "Wait for them; or register versions with the metric 'error' on held-out rows, as the pipeline"
                            + " step 'registry.register' does"));
        }
        return found.map(obstacle -> obstacle.of(last));
    }
}
