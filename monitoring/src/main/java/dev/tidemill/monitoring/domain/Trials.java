package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.RolloutRules;
import java.util.Locale;
import java.util.Optional;

/** Says what a running trial waits for. Pure. */
final class Trials {
    private Trials() {}

    static Obstacle obstacle(Ticks.Seen seen, Evidence evidence, Policy.Promotion policy) {
        Deployment deployment = seen.deployment();
        boolean shadow = deployment.phase() == Deployment.Phase.SHADOW;
        String trial = "version " + deployment.challenger().orElseThrow() + " is in "
                + deployment.phase().name().toLowerCase(Locale.ROOT)
                + " since " + seen.phaseSince() + ", and while a challenger is tried nothing is retrained: ";
        if (evidence.unlike().rows() > 0) {
            return new Obstacle(
                    Obstacle.Kind.LOSSES_DIFFER,
                    true,
                    trial
                            + RolloutRules.judge(deployment.phase(), evidence, seen.inPhase(), policy)
                                    .reason()
                            + " (the champion is version "
                            + deployment.champion().orElseThrow() + ")",
                    "Reject version " + deployment.challenger().orElseThrow()
                            + " by hand, and offer one that answers as the champion does. A classifier is scored by class"
                            + " where its classes are named, as by 'classes_' of scikit-learn's models, or where it answers"
                            + " texts",
                    Optional.of(seen.phaseSince()),
                    Optional.empty());
        }
        if (evidence.rows() < policy.rows()) {
            return new Obstacle(
                    Obstacle.Kind.TOO_FEW_ROWS,
                    false,
                    trial + evidence.rows() + " labelled rows that both have scored, where " + policy.rows()
                            + " (rows) are needed before anything is decided",
                    "Send labels of what has been predicted; labels up to " + seen.trusted() + " count so far",
                    Optional.of(seen.phaseSince()),
                    Optional.empty());
        }
        return new Obstacle(
                Obstacle.Kind.TRIAL_RUNS,
                false,
                trial
                        + RolloutRules.judge(deployment.phase(), evidence, seen.inPhase(), policy)
                                .reason(),
                "It is judged at each look: " + (shadow ? policy.shadow() : policy.canary())
                        + " in this phase at least, "
                        + policy.canaryAtMost() + " at most"
                        + (shadow ? "" : ", and " + policy.blocks() + " complete blocks of " + policy.block())
                        + "; or end it by hand: promote or reject",
                Optional.of(seen.phaseSince()),
                Optional.empty());
    }
}
