package dev.tidemill.inference.domain;

import java.util.Optional;

/**
 * What a gateway is to serve under one name: a snapshot of the desired state, the newer revision replacing the older.
 *
 * @param challenger scores every request beside the champion, and answers its share of them
 * @param durable whether predictions are kept safe before they are answered
 * @param inputs what becomes of requests whose inputs are not the model's
 */
public record ServingPlan(
        String project,
        String name,
        long revision,
        ServedVersion champion,
        Optional<Challenger> challenger,
        boolean durable,
        InputPolicy inputs) {
    /**
     * A version on trial.
     *
     * @param share of the traffic that it answers, from 0 (shadow only) to 1
     */
    public record Challenger(ServedVersion version, double share) {}

    /** Whether it serves this version, whatever it is trusted with. */
    public boolean serves(ServedVersion version) {
        return champion.isSame(version)
                || challenger.filter(trial -> trial.version().isSame(version)).isPresent();
    }

    /** The same plan, in which a version may do no more than it may now. */
    ServingPlan limitedTo(ServedVersion now) {
        return new ServingPlan(
                project,
                name,
                revision,
                champion.mayMoreThan(now) ? now : champion,
                challenger.map(trial -> trial.version().mayMoreThan(now) ? new Challenger(now, trial.share()) : trial),
                durable,
                inputs);
    }

    /** The same plan with the champion alone. */
    ServingPlan withoutChallenger() {
        return new ServingPlan(project, name, revision, champion, Optional.empty(), durable, inputs);
    }
}
