package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Policy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * When to retrain: lasting loss of quality does, old training data does, drift alone does not, and broken data forbids it.
 * Pure.
 */
final class RetrainRule {
    private RetrainRule() {}

    /**
     * Judges the windows.
     *
     * @param windows closed since the champion took over, oldest first
     * @param trusted event time up to which labels have matured
     * @param quietSince event time of the last decision about the deployment
     * @param trainedTill event time up to which the newest training has seen labels
     * @return why to retrain; empty not to
     */
    static Optional<String> reason(
            Policy.Retrain policy,
            List<ClosedWindow> windows,
            Instant trusted,
            Instant quietSince,
            Optional<Instant> trainedTill) {
        if (Duration.between(quietSince, trusted).compareTo(policy.coolDown()) < 0) {
            return Optional.empty();
        }
        List<ClosedWindow> newest = windows.subList(Math.max(0, windows.size() - policy.of()), windows.size());
        if (!newest.isEmpty() && newest.getLast().broken()) {
            return Optional.empty();
        }
        long degraded = newest.stream().filter(ClosedWindow::degraded).count();
        if (degraded >= policy.degraded()) {
            ClosedWindow last = newest.getLast();
            return Optional.of(String.format(
                    java.util.Locale.ROOT,
                    "quality fell in %d of the last %d windows: error %.4g where the reference is %.4g",
                    degraded,
                    newest.size(),
                    last.error().orElse(Double.NaN),
                    last.referenceError().orElse(Double.NaN)));
        }
        return policy.atLeastEvery()
                .filter(age -> trainedTill
                        .map(till -> Duration.between(till, trusted).compareTo(age) >= 0)
                        .orElse(false))
                .map(age -> "the newest training is older than " + age);
    }
}
