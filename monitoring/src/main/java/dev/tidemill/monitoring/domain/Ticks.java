package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.Reliability;
import dev.tidemill.deployments.domain.RolloutRules;
import dev.tidemill.deployments.domain.Rollouts;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.statistics.WindowProfile;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Reads what has come by a tick and concludes from it, without changing anything. Thread-safe. */
public final class Ticks {
    private final MonitorStore store;
    private final SliceStore sums;
    private final Deployments deployments;
    private final Rollouts rollouts;
    private final Models models;
    private final Windows windows;
    private final Slicing slicing;
    private final CallCounting calls;
    private final JournalStore journal;

    public Ticks(
            MonitorStore store,
            SliceStore sums,
            Deployments deployments,
            Rollouts rollouts,
            Models models,
            Windows windows,
            JournalStore journal) {
        this.store = store;
        this.sums = sums;
        this.deployments = deployments;
        this.rollouts = rollouts;
        this.models = models;
        this.windows = windows;
        this.journal = journal;
        this.calls = new CallCounting(sums, journal);
        this.slicing = new Slicing(journal);
    }

    /** What a tick is taken from. */
    record Seen(Deployment deployment, Monitor monitor, Optional<Policy> policy, MonitorState state, Instant tick) {
        Instant trusted() {
            return tick.minus(monitor.labelDelay());
        }

        /** Sums of a longer time could not be told apart by the blocks of a trial; without one there would be many for nothing. */
        Duration longestSlice() {
            return policy.filter(rules -> deployment.challenger().isPresent())
                    .map(rules -> rules.promotion().block())
                    .filter(block -> block.compareTo(monitor.every()) < 0)
                    .orElse(monitor.every());
        }

        /** Event time at which the running trial began. */
        Instant offeredAt() {
            return deployment.offeredAt().orElse(state.clock().origin());
        }

        /** Event time at which the trial's phase began: that of one offered before any data came is when they did. */
        Instant phaseSince() {
            return deployment.phaseSince().orElse(state.clock().origin());
        }

        /** For how long the trial has been in its phase, as far as labels have matured. */
        Duration inPhase() {
            return Duration.between(phaseSince(), trusted());
        }
    }

    /** What a tick has found, to be committed with the next state. */
    record Found(
            List<Slice> slices,
            List<ChallengerCalls> calls,
            List<ClosedWindow> windows,
            MonitorState next,
            Conclusion conclusion) {}

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

    /**
     * The tick after the newest one that was decided. Where nothing has come for longer than the monitor's horizon, no window
     * is open and no trial runs, ticks that would conclude nothing are left out: those up to the next prediction or to the
     * watermark, but none at which a retraining may be due. So what is decided is as if each had been taken.
     */
    Instant next(Deployment deployment, Monitor monitor, MonitorState state) {
        Instant next = state.processed().plus(monitor.every());
        Instant watermark = state.clock().watermark();
        Instant near = next.plus(monitor.horizon());
        if (!watermark.isAfter(near)
                || deployment.challenger().isPresent()
                || sums.firstSlice(deployment.project(), deployment.name(), state.windowsTill())
                        .isPresent()) {
            return next;
        }
        Instant summed = slicedTill(deployment, state);
        Instant from = summed.isBefore(state.processed()) ? summed : state.processed();
        Instant coming = journal.first(new JournalStore.Range(deployment.project(), deployment.name(), from, watermark))
                .orElse(watermark);
        if (!coming.isAfter(near)) {
            return next;
        }
        Seen seen = new Seen(deployment, monitor, deployments.policy(deployment), state, next);
        Instant quiet = quietTill(seen, coming);
        long length = monitor.every().toMillis();
        long time = quiet.toEpochMilli() - state.processed().toEpochMilli();
        Instant last = state.processed().plusMillis(time / length * length);
        return last.isAfter(next) ? last : next;
    }

    /** Until when at most no retraining becomes due, if the windows stay as they are. */
    private Instant quietTill(Seen seen, Instant atMost) {
        Optional<Policy.Retrain> retrain = seen.policy().flatMap(Policy::retrain);
        if (retrain.isEmpty()) {
            return atMost;
        }
        if (judgeRetraining(seen, List.of(), retrain.get()).reason().isPresent()) {
            return seen.tick();
        }
        Instant coolDownEnds = quietSince(seen).plus(retrain.get().coolDown());
        Optional<Instant> ageEnds = retrain.get()
                .atLeastEvery()
                .flatMap(age -> seen.state().trainedTill().map(till -> till.plus(age)));
        return Stream.concat(Stream.of(coolDownEnds), ageEnds.stream())
                .map(due -> due.plus(seen.monitor().labelDelay()).minusMillis(1))
                .filter(due -> !due.isBefore(seen.tick()) && due.isBefore(atMost))
                .min(Comparator.naturalOrder())
                .orElse(atMost);
    }

    Found look(Seen seen) {
        var judges = new Judges(seen);
        Judge champion = judges.of(judges.tenures.now());
        Instant slicedTill = slicedTill(seen.deployment(), seen.state());
        List<Slice> fresh = slicing.between(
                seen.deployment(),
                seen.monitor(),
                seen.longestSlice(),
                seen.state().windowsTill(),
                slicedTill,
                seen.trusted(),
                champion.version(),
                champion.reference());
        var closed = new ArrayList<ClosedWindow>();
        Duration window = seen.monitor().window();
        Instant till = seen.state().windowsTill();
        Optional<Instant> open = firstSlice(seen, fresh, till);
        while (open.isPresent()) {
            Instant end = Slicing.windowEnd(till, open.get(), window);
            if (end.isAfter(seen.trusted())) {
                break;
            }
            Instant start = end.minus(window);
            Judge judge = judges.of(judges.tenures.at(start));
            ClosedWindow shown = windows.close(
                    start,
                    end,
                    slicing.recounted(
                            seen.deployment(), slices(seen, fresh, start, end), judge.version(), judge.reference()),
                    judge.version(),
                    judge.reference(),
                    judge.error().now(),
                    seen.monitor(),
                    seen.policy().flatMap(Policy::retrain));
            judge.error().closed(shown);
            closed.add(shown);
            till = end;
            open = firstSlice(seen, fresh, till);
        }
        // Windows without rows have shown nothing.
        Instant whole = Slicing.windowEnd(till, seen.trusted(), window).minus(window);
        till = whole.isAfter(till) ? whole : till;
        Instant summed = slicedTill.isAfter(seen.trusted()) ? slicedTill : seen.trusted();
        MonitorState next = seen.state().withProgress(seen.tick(), till, summed);
        Optional<CallCounting.Counted> counted =
                seen.policy().isPresent() && seen.deployment().challenger().isPresent()
                        ? Optional.of(calls.upTo(seen))
                        : Optional.empty();
        return new Found(
                fresh,
                counted.map(CallCounting.Counted::changed).orElse(List.of()),
                closed,
                next,
                conclusion(seen, fresh, closed, counted.map(CallCounting.Counted::reliability)));
    }

    /**
     * What windows of a version are held against.
     *
     * @param reference the profile of its training data; empty also where it has been deleted
     */
    private record Judge(int version, Optional<WindowProfile> reference, ReferenceError error) {}

    /** What windows are held against, by who was champion when they began. */
    private final class Judges {
        private final Seen seen;
        private final Tenures tenures;
        private final Map<Tenures.Tenure, Judge> known = new HashMap<>();

        Judges(Seen seen) {
            this.seen = seen;
            this.tenures = new Tenures(
                    seen.deployment(), rollouts, seen.state().clock().origin());
        }

        Judge of(Tenures.Tenure tenure) {
            return known.computeIfAbsent(tenure, this::read);
        }

        private Judge read(Tenures.Tenure tenure) {
            Deployment deployment = seen.deployment();
            String project = deployment.project();
            int number = tenure.version();
            boolean now = tenure.equals(tenures.now());
            Optional<ModelVersion> version = now
                    ? Optional.of(champion(deployment))
                    : models.find(project, deployment.definition().model(), number);
            return new Judge(
                    number,
                    version.flatMap(known -> now ? windows.reference(known) : windows.readableReference(known)),
                    new ReferenceError(
                            version,
                            () -> store.lastReference(project, deployment.name(), number, tenure.since()),
                            () -> store.firstMeasuredWindows(
                                    project, deployment.name(), number, tenure.since(), ReferenceError.OWN_WINDOWS)));
        }
    }

    private Optional<Instant> firstSlice(Seen seen, List<Slice> fresh, Instant from) {
        return Stream.concat(
                        sums
                                .firstSlice(
                                        seen.deployment().project(),
                                        seen.deployment().name(),
                                        from)
                                .stream(),
                        fresh.stream().map(Slice::startsAt).filter(start -> !start.isBefore(from)))
                .min(Comparator.naturalOrder());
    }

    /** Where summing goes on; before there were slices, at the first row that an open window or trial needs. */
    static Instant slicedTill(Deployment deployment, MonitorState state) {
        return state.slicedTill()
                .orElseGet(() -> deployment
                        .offeredAt()
                        .filter(offered -> offered.isBefore(state.windowsTill())
                                && !offered.isBefore(state.clock().origin()))
                        .orElse(state.windowsTill()));
    }

    /** Slices of a window: those that were committed by earlier ticks, then those of this one. */
    private List<Slice> slices(Seen seen, List<Slice> fresh, Instant from, Instant until) {
        var slices = new ArrayList<>(
                sums.slices(seen.deployment().project(), seen.deployment().name(), from, until));
        fresh.stream()
                .filter(slice ->
                        !slice.startsAt().isBefore(from) && slice.startsAt().isBefore(until))
                .forEach(slices::add);
        return slices;
    }

    /** Why nothing is concluded from what has been decided so far; empty where the next tick will act. */
    Optional<Obstacle> obstacle(Seen seen, Policy policy) {
        if (seen.deployment().challenger().isPresent()) {
            return Optional.of(
                    Trials.obstacle(seen, evidence(seen, List.of(), policy.promotion()), policy.promotion()));
        }
        return policy.retrain()
                .map(retrain -> judgeRetraining(seen, List.of(), retrain).obstacle())
                .orElseGet(() -> Optional.of(Obstacle.toAwait(
                        Obstacle.Kind.NO_RETRAINING,
                        "the policy has no 'retrain', so nothing is retrained by itself",
                        "Add 'retrain' with a pipeline to the policy, or train by 'tidemill run PIPELINE'")));
    }

    private Conclusion conclusion(
            Seen seen, List<Slice> fresh, List<ClosedWindow> closed, Optional<Reliability> reliability) {
        if (seen.policy().isEmpty()) {
            return new Conclusion.Nothing();
        }
        Policy policy = seen.policy().get();
        if (reliability.isPresent()) {
            return verdict(seen, fresh, reliability.get(), policy.promotion());
        }
        return policy.retrain()
                .flatMap(retrain -> judgeRetraining(seen, closed, retrain)
                        .reason()
                        .<Conclusion>map(reason -> new Conclusion.Retraining(retrain, reason)))
                .orElseGet(Conclusion.Nothing::new);
    }

    /** @param reliability up to the tick itself, since failures need no labels */
    private Conclusion.Verdict verdict(Seen seen, List<Slice> fresh, Reliability reliability, Policy.Promotion policy) {
        Deployment deployment = seen.deployment();
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
                RolloutRules.judge(deployment.phase(), evidence, seen.inPhase(), policy),
                evidence.toMap(),
                Optional.of(evidence),
                policy);
    }

    private Evidence evidence(Seen seen, List<Slice> fresh, Policy.Promotion policy) {
        Deployment deployment = seen.deployment();
        int challenger = deployment.challenger().orElseThrow();
        Instant since = seen.offeredAt();
        var blocks = new ArrayList<>(sums.trial(deployment.project(), deployment.name(), challenger, since));
        for (Slice slice : fresh) {
            Slice.Trial trial = slice.trials().get(challenger);
            if (trial != null && !slice.startsAt().isBefore(since)) {
                blocks.add(trial.evidence(slice.startsAt(), slice.endsAt(), slice.isByClass()));
            }
        }
        return Evidence.of(blocks, since, seen.trusted(), policy);
    }

    private RetrainRule.Judgement judgeRetraining(Seen seen, List<ClosedWindow> closed, Policy.Retrain retrain) {
        Deployment deployment = seen.deployment();
        Instant origin = seen.state().clock().origin();
        Instant since = deployment.championSince().orElse(origin);
        var sinceChampion = new ArrayList<>(store.newestWindows(
                deployment.project(),
                deployment.name(),
                since,
                seen.state().windowsTill().plusMillis(1),
                retrain.of()));
        sinceChampion.addAll(closed);
        Optional<ClosedWindow> last = closed.isEmpty()
                ? store.lastWindow(
                        deployment.project(),
                        deployment.name(),
                        seen.state().windowsTill().plusMillis(1))
                : Optional.of(closed.getLast());
        // What the version before has answered in part is no evidence against this one.
        sinceChampion.removeIf(window -> window.startsAt().isBefore(since));
        return RetrainRule.judge(
                retrain,
                seen.monitor(),
                sinceChampion,
                last,
                seen.trusted(),
                quietSince(seen),
                seen.state().trainedTill());
    }

    private Instant quietSince(Seen seen) {
        return rollouts.lastFinalDecision(
                        seen.deployment().project(), seen.deployment().name())
                .orElse(seen.state().clock().origin());
    }

    private ModelVersion champion(Deployment deployment) {
        return models.version(
                deployment.project(),
                deployment.definition().model(),
                deployment.champion().orElseThrow());
    }
}
