package dev.tidemill.deployments.domain;

import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.registry.domain.Aliases;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Models;
import dev.tidemill.training.domain.Incumbents;
import java.time.Clock;
import java.time.Instant;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Which versions deployments serve and try: offers, trials and their ends, each written down as a decision with its evidence. Every
 * decision is one transaction with its event, the aliases and the stages, after which the gateway gets the new plan. Thread-safe.
 */
public final class Rollouts {
    /** The alias of the version that the deployment which decided last serves. */
    static final String CHAMPION = "champion";

    /** The alias of the version that it tries, if it does. */
    static final String CHALLENGER = "challenger";

    private static final List<Decision.Action> FINAL = List.of(
            Decision.Action.DEPLOYED, Decision.Action.PROMOTED, Decision.Action.REJECTED, Decision.Action.ROLLED_BACK);

    /** Decisions that make a version champion. */
    private static final List<Decision.Action> SUCCESSIONS =
            List.of(Decision.Action.DEPLOYED, Decision.Action.PROMOTED, Decision.Action.ROLLED_BACK);

    /** Decisions that put a version out of service. */
    private static final Set<Decision.Action> ENDING =
            EnumSet.of(Decision.Action.PROMOTED, Decision.Action.REJECTED, Decision.Action.ROLLED_BACK);

    private final Deployments deployments;
    private final DeploymentStore store;
    private final Models models;
    private final Aliases aliases;
    private final Publications publications;
    private final ModelLoader loader;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    public Rollouts(
            Deployments deployments,
            DeploymentStore store,
            Models models,
            Aliases aliases,
            Publications publications,
            ModelLoader loader,
            Transactions transactions,
            EventLog events,
            Clock clock) {
        this.deployments = deployments;
        this.store = store;
        this.models = models;
        this.aliases = aliases;
        this.publications = publications;
        this.loader = loader;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** The newest decisions before a position, oldest first. */
    public List<Decision> decisions(String project, String name, long before, int limit) {
        return store.newestDecisions(project, name, before, limit, List.of(Decision.Action.values()));
    }

    /** The newest decision about a version, among the last hundred. */
    public Optional<Decision> lastDecision(String project, String name, int version) {
        return decisions(project, name, Long.MAX_VALUE, 100).reversed().stream()
                .filter(decision ->
                        decision.version().filter(of -> of == version).isPresent())
                .findFirst();
    }

    /** What a maker has decided about the deployment that there is. */
    public Optional<Decision> decisionOf(String project, String name, String madeBy) {
        return store.findDecision(project, name, madeBy);
    }

    /** The newest decisions that made a version champion, oldest first. */
    public List<Decision> successions(String project, String name, int limit) {
        return store.newestDecisions(project, name, Long.MAX_VALUE, limit, SUCCESSIONS);
    }

    /** Event time of the newest decision that ended a trial. */
    public Optional<Instant> lastFinalDecision(String project, String name) {
        return store.newestDecisions(project, name, Long.MAX_VALUE, 1, FINAL).stream()
                .findFirst()
                .flatMap(Decision::at);
    }

    /** The champion as a candidate is compared with it; empty before the first version is deployed. */
    public Optional<Incumbents.Incumbent> incumbent(String project, String name) {
        Deployment deployment = deployments.deployment(project, name);
        return deployment.champion().map(number -> {
            ModelVersion version = model(deployment, number);
            return new Incumbents.Incumbent(
                    version.reference(),
                    version.folder(),
                    version.training().dataUntil(),
                    deployments
                            .policy(deployment)
                            .map(policy -> policy.promotion().rows())
                            .orElse(Policy.Promotion.ROWS));
        });
    }

    /** Loads a version for a deployment: what cannot be loaded is refused before anything changes, outside of a unit of work. */
    private Deployment load(String project, String name, int version) {
        Deployment deployment = deployments.deployment(project, name);
        loader.acquire(ServedVersion.of(model(deployment, version))).close();
        return deployment;
    }

    /**
     * A deployment as it stands now.
     *
     * @throws TidemillException {@code CONFLICT} if it has another model than the one of which a version was loaded
     */
    private Deployment sameModel(Deployment loaded) {
        Deployment now = deployments.deployment(loaded.project(), loaded.name());
        if (!now.definition().model().equals(loaded.definition().model())) {
            throw new TidemillException(
                            ErrorCode.CONFLICT,
                            "Deployment '" + now.name() + "' serves model '"
                                    + now.definition().model() + "' now, no longer '"
                                    + loaded.definition().model() + "'")
                    .remedy("Name a version of the model that it serves");
        }
        return now;
    }

    /** The verdict on a version that has the champion's very files: equal rows and parameters give equal models. */
    private Optional<RolloutRules.Verdict> identical(Deployment deployment, int offered) {
        int champion = deployment.champion().orElseThrow();
        return model(deployment, offered)
                .folder()
                .filter(folder -> exists(deployment, champion)
                        && model(deployment, champion).folder().equals(Optional.of(folder)))
                .map(folder -> RolloutRules.sameModel(champion, folder.value()));
    }

    private ModelVersion model(Deployment deployment, int version) {
        return models.version(deployment.project(), deployment.definition().model(), version);
    }

    /**
     * Offers a version. The first one becomes champion; a later one must pass the gate and then goes into shadow, or is
     * turned down. The same maker a second time changes nothing.
     *
     * @param errors {@code error} of the version and how it compares with the champion, as {@link GateEvidence} reads them
     * @param until event time up to which the version has seen data
     */
    public Deployment offer(
            String project,
            String name,
            int version,
            Map<String, Double> errors,
            Optional<Instant> until,
            String madeBy,
            String actor) {
        // What this maker has offered before may be decided since, or gone.
        if (store.findDecision(project, name, madeBy).isPresent()) {
            return deployments.deployment(project, name);
        }
        Deployment loaded = load(project, name, version);
        return transactions.write(() -> {
            Deployment before = sameModel(loaded);
            if (store.findDecision(project, name, madeBy).isPresent()) {
                return before;
            }
            Optional<Instant> at = before.eventTime().or(() -> until);
            if (before.champion().isEmpty()) {
                return decide(
                        before,
                        before.serving(version, at),
                        Decision.Action.DEPLOYED,
                        version,
                        "the first version",
                        errors,
                        actor,
                        Optional.of(madeBy));
            }
            if (before.challenger().isPresent()) {
                throw new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "Deployment '" + name + "' is trying version "
                                + before.challenger().get() + " already");
            }
            double margin = deployments
                    .policy(before)
                    .map(policy -> policy.promotion().margin())
                    .orElse(0.0);
            RolloutRules.Verdict gate = identical(before, version)
                    .orElseGet(() -> errors.containsKey("error")
                            ? RolloutRules.gate(GateEvidence.of(errors), margin)
                            : RolloutRules.NO_METRICS);
            if (gate.outcome() == RolloutRules.Outcome.REJECT) {
                return decide(
                        before,
                        before.withoutTrial(),
                        Decision.Action.REJECTED,
                        version,
                        "at the gate: " + gate.reason(),
                        errors,
                        actor,
                        Optional.of(madeBy));
            }
            return decide(
                    before,
                    before.shadowing(version, at),
                    Decision.Action.SHADOWED,
                    version,
                    gate.reason(),
                    errors,
                    actor,
                    Optional.of(madeBy));
        });
    }

    /** Lets the challenger answer a share of the traffic. */
    public Deployment canary(Deployment before, double share, String reason, Evidence evidence, Instant at) {
        return decide(
                before,
                before.inCanary(share, at),
                Decision.Action.CANARIED,
                before.challenger().orElseThrow(),
                reason,
                evidence.toMap(),
                Event.SYSTEM,
                Optional.empty());
    }

    /** Makes the challenger champion and archives the old one. */
    public Deployment promote(
            Deployment before, String reason, Map<String, ?> evidence, Optional<Instant> at, String actor) {
        return transactions.write(() -> {
            int version = before.challenger()
                    .orElseThrow(() -> new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Deployment '" + before.name() + "' has no challenger to promote"));
            return decide(
                    before,
                    before.serving(version, at),
                    Decision.Action.PROMOTED,
                    version,
                    reason,
                    evidence,
                    actor,
                    Optional.empty());
        });
    }

    /** Keeps the champion and archives the challenger. */
    public Deployment reject(
            Deployment before, String reason, Map<String, ?> evidence, Optional<Instant> at, String actor) {
        return transactions.write(() -> {
            int version = before.challenger()
                    .orElseThrow(() -> new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Deployment '" + before.name() + "' has no challenger to reject"));
            return decide(
                    before,
                    before.withoutTrial(),
                    Decision.Action.REJECTED,
                    version,
                    reason,
                    evidence,
                    actor,
                    Optional.empty());
        });
    }

    /**
     * Puts an earlier version back; a running trial ends, and what it takes the place of is archived.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} for the version that serves, where no trial runs that would end
     */
    public Deployment rollBack(String project, String name, int version, String actor) {
        Deployment loaded = load(project, name, version);
        return transactions.write(() -> {
            Deployment before = sameModel(loaded);
            if (before.champion().equals(Optional.of(version))
                    && before.challenger().isEmpty()) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "Version " + version + " of deployment '" + name + "' serves already")
                        .at("version");
            }
            return decide(
                    before,
                    before.serving(version, before.eventTime()),
                    Decision.Action.ROLLED_BACK,
                    version,
                    "asked for by " + actor,
                    Map.of(),
                    actor,
                    Optional.empty());
        });
    }

    private Deployment decide(
            Deployment before,
            Deployment after,
            Decision.Action action,
            int version,
            String reason,
            Map<String, ?> evidence,
            String actor,
            Optional<String> madeBy) {
        return transactions.write(() -> {
            holdAdopted(before, after);
            var decision = new Decision(
                    0,
                    before.eventTime().or(after::championSince),
                    clock.instant(),
                    action,
                    Optional.of(version),
                    reason,
                    new LinkedHashMap<>(evidence),
                    actor);
            if (!store.addDecision(before.project(), before.name(), decision, madeBy)) {
                return before; // this maker has decided before; a crash kept it from hearing so
            }
            if (!store.save(after)) {
                throw new TidemillException(
                                ErrorCode.CONFLICT, "Deployment '" + before.name() + "' has changed meanwhile")
                        .remedy("Try again");
            }
            moveAliases(after, actor);
            moveStages(before, after, decision, actor);
            Event event = Event.of(
                    "deployment." + action.name().toLowerCase(Locale.ROOT),
                    before.project(),
                    "deployment/" + before.name(),
                    actor,
                    Map.of("version", version, "reason", reason, "evidence", evidence));
            event = madeBy.map(event::withCause).orElse(event);
            events.append(decision.at().map(event::at).orElse(event));
            transactions.afterCommit(() -> publications.publish(List.of(after)));
            return after;
        });
    }

    /** Nobody deletes what begins to be used here. What was in use before may be gone, so that others can take its place. */
    private void holdAdopted(Deployment before, Deployment after) {
        List<Integer> adopted = versions(after)
                .filter(version -> !before.champion().equals(Optional.of(version))
                        && !before.challenger().equals(Optional.of(version)))
                .toList();
        if (!adopted.isEmpty()) {
            models.hold(after.project(), after.definition().model());
            adopted.forEach(version -> model(after, version));
        }
    }

    private boolean exists(Deployment deployment, int version) {
        return models.find(deployment.project(), deployment.definition().model(), version)
                .isPresent();
    }

    private void moveAliases(Deployment deployment, String actor) {
        String project = deployment.project();
        String model = deployment.definition().model();
        deployment
                .champion()
                .filter(version -> exists(deployment, version))
                .ifPresent(version -> keepAlias(project, model, CHAMPION, version, actor));
        // Another deployment of the model may try a version while this one does not.
        deployment
                .challenger()
                .or(() -> deployments.holders(project, model, CHALLENGER).values().stream()
                        .findFirst())
                .filter(version -> exists(deployment, version))
                .ifPresentOrElse(
                        version -> keepAlias(project, model, CHALLENGER, version, actor),
                        () -> aliases.release(project, model, CHALLENGER, actor));
    }

    /** An alias that stands there already has not moved, and nobody is told that it had. */
    private void keepAlias(String project, String model, String alias, int version, String actor) {
        if (!Integer.valueOf(version).equals(aliases.of(project, model).get(alias))) {
            aliases.keep(project, model, alias, version, actor);
        }
    }

    /**
     * What serves is not archived; what a decision has put out of service is, unless another deployment needs it, and what it has
     * turned down before it served, unless somebody has given that a stage.
     */
    private void moveStages(Deployment before, Deployment after, Decision decision, String actor) {
        String project = before.project();
        String model = before.definition().model();
        versions(after)
                .map(version -> models.find(project, model, version))
                .flatMap(Optional::stream)
                .filter(version -> version.stage() == ModelVersion.Stage.ARCHIVED)
                .forEach(version -> models.bringBack(project, model, version.version(), actor));
        if (!ENDING.contains(decision.action())) {
            return;
        }
        Stream<Integer> turnedDown = decision.version().stream()
                .filter(version -> models.find(project, model, version)
                        .filter(found -> found.stage() == ModelVersion.Stage.NONE)
                        .isPresent());
        Stream.concat(versions(before), turnedDown)
                .distinct()
                .filter(version -> exists(before, version))
                .filter(version -> deployments
                        .users(project, model, OptionalInt.of(version))
                        .isEmpty())
                .forEach(version -> models.archive(project, model, version, actor));
    }

    private static Stream<Integer> versions(Deployment deployment) {
        return Stream.concat(deployment.champion().stream(), deployment.challenger().stream());
    }
}
