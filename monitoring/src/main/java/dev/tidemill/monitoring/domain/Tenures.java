package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Decision;
import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Rollouts;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which version was champion of a deployment at what event time, from the decisions about it. Not thread-safe. */
final class Tenures {
    /** Within the label delay, few versions take over. */
    private static final int MOST = 100;

    private final Deployment deployment;
    private final Rollouts rollouts;
    private final Tenure now;
    private @Nullable List<Decision> successions;

    /** @param origin since when the champion is, where that is not known */
    Tenures(Deployment deployment, Rollouts rollouts, Instant origin) {
        this.deployment = deployment;
        this.rollouts = rollouts;
        this.now = new Tenure(
                deployment.champion().orElseThrow(), deployment.championSince().orElse(origin));
    }

    /**
     * A time as champion.
     *
     * @param since event time at which it took over
     */
    record Tenure(int version, Instant since) {}

    /** The tenure that has not ended. */
    Tenure now() {
        return now;
    }

    /** The tenure of a time; of one before all decisions that are known, the first. */
    Tenure at(Instant time) {
        if (!time.isBefore(now.since())) {
            return now;
        }
        if (successions == null) {
            successions = rollouts.successions(deployment.project(), deployment.name(), MOST);
        }
        Tenure found = now;
        for (Decision decision : successions.reversed()) {
            found = new Tenure(decision.version().orElseThrow(), decision.at().orElse(Instant.EPOCH));
            if (!found.since().isAfter(time)) {
                break;
            }
        }
        return found;
    }
}
