package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Deployments;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.Publications;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.pipelines.domain.RunState;
import dev.tidemill.registry.domain.Models;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Answers why the loop does nothing about a deployment, from the very rules by which it acts. Changes nothing. Thread-safe.
 */
public final class Obstacles {
    /** Rows of a window that are looked at: as many as are read in the time of a request. */
    private static final int LOOKED_AT = 50_000;

    private final MonitorStore store;
    private final JournalStore journal;
    private final Ticks ticks;
    private final Deployments deployments;
    private final Models models;
    private final Pipelines pipelines;

    public Obstacles(
            MonitorStore store,
            JournalStore journal,
            Ticks ticks,
            Deployments deployments,
            Models models,
            Pipelines pipelines) {
        this.store = store;
        this.journal = journal;
        this.ticks = ticks;
        this.deployments = deployments;
        this.models = models;
        this.pipelines = pipelines;
    }

    /** All that keeps the loop from acting on a deployment now, what somebody has to remove first. */
    public List<Obstacle> of(Deployment deployment) {
        var found = new ArrayList<Obstacle>();
        served(deployment).ifPresent(found::add);
        Optional<Policy> policy = deployments.policy(deployment);
        if (policy.isEmpty()) {
            found.add(Obstacle.toAwait(
                    Obstacle.Kind.NO_POLICY,
                    "the deployment names no policy, so nothing is retrained or promoted by itself",
                    "Define a Policy and name it in the deployment"));
        }
        Optional<MonitorState> state = store.findState(deployment.project(), deployment.name());
        state.flatMap(MonitorState::halt)
                .ifPresent(halt -> found.add(Obstacle.toRemove(
                        Obstacle.Kind.HALTED,
                        "monitoring is halted since " + halt.since() + ": " + halt.reason(),
                        "Remove the cause; it is tried again every minute")));
        policy.flatMap(Policy::retrain)
                .flatMap(retrain -> retrain.obstacle(pipelines.find(deployment.project(), retrain.pipeline())))
                .ifPresent(why -> found.add(Obstacle.toRemove(
                        Obstacle.Kind.RETRAINING_FAILED,
                        cannotRetrain(deployment, why),
                        "Apply a pipeline that the policy can start, or a policy that fits the pipeline")));
        policy.flatMap(Policy::retrain)
                .flatMap(retrain -> failed(deployment, retrain))
                .ifPresent(found::add);
        state.flatMap(Obstacles::quarantined).ifPresent(found::add);
        boolean champion = champion(deployment, found);
        Optional<Monitor> monitor = store.monitorOf(deployment);
        if (monitor.isEmpty()) {
            found.add(Obstacle.toAwait(
                    Obstacle.Kind.NO_MONITOR,
                    "the deployment names no monitor, so no window is closed and nothing is decided",
                    "Define a Monitor and name it in the deployment"));
        } else if (champion) {
            state.ifPresentOrElse(
                    known -> watched(deployment, monitor.get(), policy, known, found),
                    () -> found.add(Obstacle.toAwait(
                            Obstacle.Kind.NO_PREDICTIONS,
                            "no prediction has been journalled yet, so the deployment has no event time",
                            "Call it at /v2/models/" + deployment.name() + "/infer, each row with an id of its own")));
        }
        found.sort((one, other) -> Boolean.compare(other.actionNeeded(), one.actionNeeded()));
        return List.copyOf(found);
    }

    /** That a version which is to be served cannot be loaded, or is not loaded yet. */
    private Optional<Obstacle> served(Deployment deployment) {
        Publications.Status serving = deployments.status(deployment);
        String again = "it is tried again"
                + serving.retryAt().map(at -> " at " + at + ",").orElse("")
                + " or at once by POST .../deployments/" + deployment.name() + "/retry";
        String version = deployment.definition().model() + "/"
                + (serving.state() == Publications.State.WITHOUT_CHALLENGER
                                ? deployment.challenger()
                                : deployment.champion())
                        .map(String::valueOf)
                        .orElse("none");
        return switch (serving.state()) {
            case BROKEN ->
                Optional.of(Obstacle.toRemove(
                        Obstacle.Kind.NOT_SERVED,
                        "the champion, " + version + ", cannot be loaded, since " + serving.since() + ": "
                                + serving.reason(),
                        "Restore what is missing, or roll back to a version that can be loaded; " + again));
            case WITHOUT_CHALLENGER ->
                Optional.of(Obstacle.toRemove(
                        Obstacle.Kind.NOT_SERVED,
                        "the challenger, " + version + ", cannot be loaded and is not tried, since " + serving.since()
                                + ": " + serving.reason(),
                        "Restore what is missing, or reject the challenger; " + again));
            case LOADING ->
                serving.reason().isEmpty()
                        ? Optional.empty()
                        : Optional.of(Obstacle.toAwait(
                                Obstacle.Kind.LOADING,
                                serving.reason(),
                                "Wait for it; what was served before, if anything, still is"));
            case EMPTY, SERVING -> Optional.empty();
        };
    }

    /** That the policy of a deployment names a pipeline that it cannot start, by the names of both. */
    static String cannotRetrain(Deployment deployment, String why) {
        return "policy '" + deployment.definition().policy().orElse("") + "' cannot retrain: " + why;
    }

    /** Whether there is a champion to judge by. */
    private boolean champion(Deployment deployment, List<Obstacle> found) {
        String model = deployment.definition().model();
        if (deployment.champion().isEmpty()) {
            found.add(Obstacle.toAwait(
                    Obstacle.Kind.NO_CHAMPION,
                    "no version of '" + model + "' has been offered to the deployment yet",
                    "Run the pipeline that trains and offers one, or 'tidemill models' to see what there is"));
            return false;
        }
        int version = deployment.champion().get();
        if (models.find(deployment.project(), model, version).isEmpty()) {
            found.add(Obstacle.toRemove(
                    Obstacle.Kind.CHAMPION_DELETED,
                    "version " + version + " of '" + model + "', the champion, has been deleted",
                    "Roll back to a version that is there, or offer a new one"));
            return false;
        }
        return true;
    }

    private void watched(
            Deployment deployment, Monitor monitor, Optional<Policy> policy, MonitorState state, List<Obstacle> found) {
        if (state.pendingRun().isPresent()) {
            found.add(Obstacle.toAwait(
                    Obstacle.Kind.RETRAINING_RUNS,
                    "the retraining " + state.pendingRun().get() + " runs, and later looks wait for its end",
                    "Follow it with 'tidemill logs " + state.pendingRun().get() + "'"));
            return;
        }
        Instant next = state.processed().plus(monitor.every());
        Instant watermark = state.clock().watermark();
        Optional<Obstacle> rule = policy.flatMap(rules ->
                        ticks.obstacle(new Ticks.Seen(deployment, monitor, policy, state, state.processed()), rules))
                .map(told -> labelled(deployment, monitor, state, told));
        rule.ifPresent(found::add);
        if (rule.filter(obstacle -> obstacle.kind() == Obstacle.Kind.BROKEN_WINDOW)
                .isEmpty()) {
            broken(deployment, state).ifPresent(found::add);
        }
        if (state.halt().isPresent()) {
            return;
        }
        found.add(
                next.isAfter(watermark)
                        ? Obstacle.toAwait(
                                Obstacle.Kind.WAITING_FOR_DATA,
                                "all is decided that was due by " + watermark + ", which the data has come to; the next"
                                        + " look is at " + next,
                                state.clock().moves())
                        : Obstacle.toAwait(
                                Obstacle.Kind.BEHIND,
                                "decisions that are due from " + next + " to " + watermark + " are being taken",
                                "Wait for them"));
    }

    /** Of a window with too few labels, what has become of those that came. */
    private Obstacle labelled(Deployment deployment, Monitor monitor, MonitorState state, Obstacle told) {
        boolean few = told.kind() == Obstacle.Kind.NO_LABELS || told.kind() == Obstacle.Kind.TOO_FEW_LABELS;
        if (!few || told.from().isEmpty() || told.until().isEmpty()) {
            return told;
        }
        Instant until = told.until().get();
        Optional<ClosedWindow> window = store.lastWindow(deployment.project(), deployment.name(), until.plusMillis(1));
        if (window.isEmpty()) {
            return told;
        }
        JournalStore.Labels labels = journal.labels(
                new JournalStore.Range(
                        deployment.project(), deployment.name(), told.from().get(), until),
                LOOKED_AT);
        // Of a part it is told what holds of the whole as well: so many at least.
        String least = labels.all() ? "" : "at least ";
        String rows = " of the " + window.get().rows() + " rows of the window from "
                + told.from().get() + " to " + until;
        if (labels.labelled() > 0 && labels.compared() == 0 && window.get().labelled() == 0) {
            return Obstacle.toRemove(
                            Obstacle.Kind.ANSWERS_NOT_COMPARABLE,
                            least + labels.labelled() + rows
                                    + " are labelled, but none of their answers can be compared with a"
                                    + " label: what version " + window.get().version()
                                    + " answers first is neither a finite number, one of its classes if it names them, nor one text"
                                    + " a row",
                            "Let the model answer the class, its scores or the number first, and deploy that version")
                    .of(window.get());
        }
        long late = labels.compared() - window.get().labelled();
        return late <= 0
                ? told
                : Obstacle.toRemove(
                                Obstacle.Kind.LATE_LABELS,
                                "labels of " + least + late + rows + " came too late to count, the slowest "
                                        + labels.slowest()
                                        + " after its prediction's event time; in all " + state.lateLabels()
                                        + " labels came later than " + monitor.labelDelay() + " (label-delay)",
                                "Send labels sooner, or raise 'label-delay' of the monitor above the time that they"
                                        + " take")
                        .of(window.get());
    }

    /** That the newest window of the champion is broken, which is told also where nothing would be retrained anyway. */
    private Optional<Obstacle> broken(Deployment deployment, MonitorState state) {
        return store.lastWindow(
                        deployment.project(),
                        deployment.name(),
                        state.windowsTill().plusMillis(1))
                .filter(ClosedWindow::broken)
                .filter(window -> deployment
                        .championSince()
                        .filter(since -> !window.endsAt().isAfter(since))
                        .isEmpty())
                .map(RetrainRule::broken);
    }

    private static Optional<Obstacle> quarantined(MonitorState state) {
        long rows = state.clock().quarantined();
        return rows == 0
                ? Optional.empty()
                : Optional.of(Obstacle.toRemove(
                        Obstacle.Kind.QUARANTINED_PREDICTIONS,
                        rows + " predictions are held and count in nothing"
                                + state.clock()
                                        .cause()
                                        .map(cause -> "; of the last one, " + cause.cause())
                                        .orElse(""),
                        state.clock().remedy().orElse("Mend the event times of who sends them")));
    }

    /** The newest run of the pipeline that retrains, whoever started it, where it has failed. */
    private Optional<Obstacle> failed(Deployment deployment, Policy.Retrain retrain) {
        return pipelines.runs(deployment.project(), Optional.of(retrain.pipeline()), Optional.empty(), 1).stream()
                .findFirst()
                .filter(run -> run.state() == RunState.FAILED)
                .map(run -> Obstacle.toRemove(
                        Obstacle.Kind.RETRAINING_FAILED,
                        "the newest run of pipeline '" + run.pipeline() + "', "
                                + run.id().value() + " of " + run.actor() + ", failed"
                                + run.error().map(error -> ": " + error).orElse(""),
                        "See 'tidemill logs " + run.id().value() + "', mend it and resume the run"));
    }
}
