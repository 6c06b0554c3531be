package dev.tidemill.deployments.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * A name under which a model is served, and where its rollout stands.
 *
 * @param revision rises with every change
 * @param championSince event time at which the champion took over
 * @param phaseSince event time at which the phase began
 * @param offeredAt event time at which the challenger was offered
 * @param eventTime how far the deployment's data has come
 */
public record Deployment(
        String project,
        String name,
        Definition definition,
        long revision,
        Optional<Integer> champion,
        Optional<Instant> championSince,
        Optional<Integer> challenger,
        Phase phase,
        double share,
        Optional<Instant> phaseSince,
        Optional<Instant> offeredAt,
        Optional<Instant> eventTime) {
    /**
     * What the project says about it.
     *
     * @param model name of the registered model
     * @param view feature view that its rows come from
     * @param monitor name of the monitor that watches it
     * @param policy name of the policy that rules it
     * @param journal what becomes of predictions that are answered; empty for what suits the rest
     */
    public record Definition(
            String model,
            Optional<String> view,
            Optional<String> monitor,
            Optional<String> policy,
            Optional<Journal> journal) {
        /** Durable where something decides on the predictions. */
        public boolean durableJournal() {
            return journal.map(Journal.DURABLE::equals).orElse(monitor.isPresent() || policy.isPresent());
        }
    }

    /** What becomes of predictions that are answered. */
    public enum Journal {
        /** They are kept safe before the answer is given. */
        DURABLE,
        /** They are dropped where the server ends suddenly, or the database does not take them in time. */
        BEST_EFFORT
    }

    /** With a version as champion, and no trial. */
    Deployment serving(int version, Optional<Instant> since) {
        return new Deployment(
                project,
                name,
                definition,
                revision + 1,
                Optional.of(version),
                since,
                Optional.empty(),
                Phase.NONE,
                0,
                Optional.empty(),
                Optional.empty(),
                eventTime);
    }

    /** With a version on trial that answers nobody yet, offered now. */
    Deployment shadowing(int version, Optional<Instant> at) {
        return trying(Optional.of(version), Phase.SHADOW, 0, at, at);
    }

    /** With the version on trial answering a share of the traffic, from 0 to 1. */
    Deployment inCanary(double ofTraffic, Instant at) {
        return trying(challenger, Phase.CANARY, ofTraffic, Optional.of(at), offeredAt);
    }

    /** With the champion alone. */
    Deployment withoutTrial() {
        return trying(Optional.empty(), Phase.NONE, 0, Optional.empty(), Optional.empty());
    }

    private Deployment trying(
            Optional<Integer> version, Phase in, double ofTraffic, Optional<Instant> since, Optional<Instant> offered) {
        return new Deployment(
                project,
                name,
                definition,
                revision + 1,
                champion,
                championSince,
                version,
                in,
                ofTraffic,
                since,
                offered,
                eventTime);
    }

    /** Where the challenger stands. */
    public enum Phase {
        NONE,
        SHADOW,
        CANARY
    }
}
