package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.deployments.domain.RolloutRules;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.statistics.WindowProfile;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads what has come by a tick and concludes from it, without changing anything. Thread-safe. */
public final class Ticks {
    private final MonitorStore store;
    private final Deployments deployments;
    private final Models models;
    private final Windows windows;
    private final Slicing slicing;
    private final JournalStore journal;

    public Ticks(MonitorStore store, Deployments deployments, Models models, Windows windows, JournalStore journal) {
        this.store = store;
        this.deployments = deployments;
        this.models = models;
        this.windows = windows;
        this.journal = journal;
        this.slicing = new Slicing(journal);
    }

    /** What a tick is taken from. */
    record Seen(Deployment deployment, Monitor monitor, Optional<Policy> policy, MonitorState state, Instant tick) {
        Instant trusted() {
            return tick.minus(monitor.labelDelay());
        }
    }

    /** What a tick has found, to be committed with the next state. */
    record Found(List<Slice> slices, List<ClosedWindow> windows, MonitorState next, Conclusion conclusion) {}

    /** What is to be done about the deployment. */
    sealed interface Conclusion {
        record Nothing() implements Conclusion {}

        record Verdict(
                RolloutRules.Verdict verdict,
                Map<String, Object> facts,
                Optional<Evidence> evidence,
                Policy.Promotion policy)
                implements Conclusion {}

        record Retraining(Policy.Retrain policy, String reason) implements Conclusion {}
    }

    Found look(Seen seen) {
        ModelVersion champion = champion(seen.deployment());
        Optional<WindowProfile> reference = windows.reference(champion);
        Instant slicedTill = slicedTill(seen);
        List<Slice> fresh = slicing.between(
                seen.deployment(),
                seen.monitor(),
                seen.state().windowsTill(),
                slicedTill,
                seen.trusted(),
                champion.version(),
                reference);
        var closed = new ArrayList<ClosedWindow>();
        Instant till = seen.state().windowsTill();
        Instant end = till.plus(seen.monitor().window());
        while (!end.isAfter(seen.trusted())) {
            List<Slice> slices = slices(seen, fresh, till, end);
            if (!slices.isEmpty()) {
                closed.add(windows.close(
                        till,
                        end,
                        slicing.recounted(seen.deployment(), slices, champion.version(), reference),
                        champion,
                        reference,
                        seen.monitor(),
                        seen.policy().flatMap(Policy::retrain)));
            }
            till = end;
            end = till.plus(seen.monitor().window());
        }
        Instant summed = slicedTill.isAfter(seen.trusted()) ? slicedTill : seen.trusted();
        MonitorState next = seen.state().withProgress(seen.tick(), till, summed);
        return new Found(fresh, closed, next, conclusion(seen, fresh, closed));
    }

    /** Where summing goes on; before there were slices, at the first row that an open window or trial needs. */
    private static Instant slicedTill(Seen seen) {
        return seen.state()
                .slicedTill()
                .orElseGet(() -> seen.deployment()
                        .offeredAt()
                        .filter(offered -> offered.isBefore(seen.state().windowsTill())
                                && !offered.isBefore(seen.state().clock().origin()))
                        .orElse(seen.state().windowsTill()));
    }

    /** Slices of a window: those that were committed by earlier ticks, then those of this one. */
    private List<Slice> slices(Seen seen, List<Slice> fresh, Instant from, Instant until) {
        var slices = new ArrayList<>(
                store.slices(seen.deployment().project(), seen.deployment().name(), from, until));
        fresh.stream()
                .filter(slice ->
                        !slice.startsAt().isBefore(from) && slice.startsAt().isBefore(until))
                .forEach(slices::add);
        return slices;
    }

    private Conclusion conclusion(Seen seen, List<Slice> fresh, List<ClosedWindow> closed) {
        if (seen.policy().isEmpty()) {
            return new Conclusion.Nothing();
        }
        Policy policy = seen.policy().get();
        if (seen.deployment().challenger().isPresent()) {
            return verdict(seen, fresh, policy.promotion());
        }
        return policy.retrain()
                .flatMap(retrain -> retrainingReason(seen, closed, retrain)
                        .<Conclusion>map(reason -> new Conclusion.Retraining(retrain, reason)))
                .orElseGet(Conclusion.Nothing::new);
    }

    /** Failures need no labels, so they count up to the tick itself. */
    private Conclusion.Verdict verdict(Seen seen, List<Slice> fresh, Policy.Promotion policy) {
        Deployment deployment = seen.deployment();
        Reliability reliability = journal.reliability(
                new JournalStore.Range(
                        deployment.project(),
                        deployment.name(),
                        deployment.offeredAt().orElse(seen.state().clock().origin()),
                        seen.tick()),
                deployment.challenger().orElseThrow());
        RolloutRules.Verdict reliable = RolloutRules.reliable(reliability);
        if (reliable.outcome() == RolloutRules.Outcome.REJECT) {
            return new Conclusion.Verdict(
                    reliable,
                    Map.of("asked", reliability.asked(), "failed", reliability.failed()),
                    Optional.empty(),
                    policy);
        }
        Evidence evidence = evidence(seen, fresh, policy);
        return new Conclusion.Verdict(
                RolloutRules.judge(deployment, evidence, seen.trusted(), policy),
                evidence.toMap(),
                Optional.of(evidence),
                policy);
    }

    private Evidence evidence(Seen seen, List<Slice> fresh, Policy.Promotion policy) {
        Deployment deployment = seen.deployment();
        int challenger = deployment.challenger().orElseThrow();
        Instant since = deployment.offeredAt().orElse(seen.state().clock().origin());
        var sums = new ArrayList<>(store.trial(deployment.project(), deployment.name(), challenger, since));
        for (Slice slice : fresh) {
            Slice.Trial trial = slice.trials().get(challenger);
            if (trial != null && !slice.startsAt().isBefore(since)) {
                sums.add(new Evidence.Sums(
                        slice.startsAt(), slice.endsAt(), trial.rows(), trial.champion(), trial.challenger()));
            }
        }
        return Evidence.of(sums, since, seen.trusted(), policy);
    }

    private Optional<String> retrainingReason(Seen seen, List<ClosedWindow> closed, Policy.Retrain retrain) {
        Deployment deployment = seen.deployment();
        Instant origin = seen.state().clock().origin();
        Instant since = deployment.championSince().orElse(origin);
        var sinceChampion = new ArrayList<>(store.newestWindows(
                deployment.project(),
                deployment.name(),
                since,
                seen.state().windowsTill().plusMillis(1),
                retrain.of()));
        closed.stream().filter(window -> window.endsAt().isAfter(since)).forEach(sinceChampion::add);
        Instant quietSince = deployments
                .lastFinalDecision(deployment.project(), deployment.name())
                .orElse(origin);
        return RetrainRule.reason(
                retrain, sinceChampion, seen.trusted(), quietSince, seen.state().trainedTill());
    }

    private ModelVersion champion(Deployment deployment) {
        return models.version(
                deployment.project(),
                deployment.definition().model(),
                deployment.champion().orElseThrow());
    }
}
