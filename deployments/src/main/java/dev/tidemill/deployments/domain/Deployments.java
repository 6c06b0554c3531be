package dev.tidemill.deployments.domain;

import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.registry.domain.ModelUse;
import dev.tidemill.registry.domain.ModelVersion;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;

/**
 * Deployments as projects define them: their policies, what is left of them, and how they stand at the gateway. What versions they
 * serve is decided by {@link Rollouts}. Every change is one transaction, after which the gateway gets the new plan. Thread-safe.
 */
public final class Deployments implements ModelUse {
    private final DeploymentStore store;
    private final Publications publications;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private volatile BiPredicate<String, String> monitors = (project, name) -> true;
    private volatile BiPredicate<String, String> remains = (project, name) -> false;
    private final List<BiConsumer<String, String>> forgetting = new CopyOnWriteArrayList<>();

    public Deployments(
            DeploymentStore store, Publications publications, Transactions transactions, EventLog events, Clock clock) {
        this.store = store;
        this.publications = publications;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /**
     * Stores what the project says about a deployment.
     *
     * @throws TidemillException {@code INVALID_DEFINITION} if it names a policy or monitor that is not there, or another model than
     *     the one whose versions the deployment serves or tries; {@code UNAVAILABLE} while what an earlier one of that name has left
     *     behind is still being removed
     */
    public void define(String project, String name, Deployment.Definition definition) {
        definition.policy().ifPresent(policy -> {
            if (store.findPolicy(project, policy).isEmpty()) {
                throw new TidemillException(
                                ErrorCode.INVALID_DEFINITION,
                                "Deployment '" + name + "' names policy '" + policy + "', which is not defined")
                        .remedy("Define it in the same folder, or leave 'policy' out");
            }
        });
        definition.monitor().ifPresent(monitor -> {
            if (!monitors.test(project, monitor)) {
                throw new TidemillException(
                                ErrorCode.INVALID_DEFINITION,
                                "Deployment '" + name + "' names monitor '" + monitor + "', which is not defined")
                        .remedy("Define it in the same folder, or leave 'monitor' out");
            }
        });
        if (remains.test(project, name)) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "The journal of the deployment '" + name + "' that was deleted is still being removed")
                    .remedy("Try again in a minute, or take another name");
        }
        store.find(project, name).ifPresent(before -> requireSameModel(before, definition.model()));
        if (!store.define(project, name, definition)) {
            requireSameModel(deployment(project, name), definition.model());
            throw new TidemillException(ErrorCode.CONFLICT, "Deployment '" + name + "' has changed meanwhile")
                    .remedy("Try again");
        }
        // What is served changes with what is said about its journal.
        transactions.afterCommit(
                () -> store.find(project, name).ifPresent(found -> publications.publish(List.of(found))));
    }

    /** A version's number says nothing about another model: it would be served untried, and judged by labels of the first one. */
    private static void requireSameModel(Deployment before, String model) {
        Optional<Integer> used = before.champion().or(before::challenger);
        if (used.isPresent() && !before.definition().model().equals(model)) {
            throw new TidemillException(
                            ErrorCode.INVALID_DEFINITION,
                            "Deployment '" + before.name() + "' serves version " + used.get() + " of model '"
                                    + before.definition().model() + "' and cannot serve model '" + model + "'")
                    .at("model")
                    .remedy("Make another deployment for '" + model + "', or delete this one first");
        }
    }

    /** Tells which monitors there are: project and name to whether it exists. */
    public void knowMonitors(BiPredicate<String, String> exists) {
        monitors = exists;
    }

    /**
     * Tells of deployments that were deleted and of which there is something left that one of the same name must not take for
     * its own: project and name to whether there is.
     */
    public void knowRemains(BiPredicate<String, String> exist) {
        remains = exist;
    }

    /** Adds to what else is forgotten, in the same unit of work, when a deployment is deleted: project and name. */
    public void onDelete(BiConsumer<String, String> action) {
        forgetting.add(action);
    }

    public void definePolicy(String project, String name, int version, Policy policy) {
        boolean held =
                store.findPolicy(project, name).map(Policy::inputs).orElse(InputPolicy.REFUSE) == policy.inputs();
        store.savePolicy(project, name, version, policy);
        if (held) {
            return;
        }
        // The gateway holds requests to it.
        List<Deployment> ruled = store.list(project).stream()
                .filter(deployment ->
                        deployment.definition().policy().filter(name::equals).isPresent())
                .toList();
        transactions.afterCommit(() -> publications.publish(ruled));
    }

    /** The policy that rules a deployment. */
    public Optional<Policy> policy(Deployment deployment) {
        return deployment
                .definition()
                .policy()
                .map(name -> store.findPolicy(deployment.project(), name)
                        .orElseThrow(() -> TidemillException.notFound("policy", name)));
    }

    public Deployment deployment(String project, String name) {
        return store.find(project, name).orElseThrow(() -> TidemillException.notFound("deployment", name));
    }

    public Optional<Deployment> find(String project, String name) {
        return store.find(project, name);
    }

    public List<Deployment> list(String project) {
        return store.list(project);
    }

    public List<Deployment> listAll() {
        return store.listAll();
    }

    /** Tells how far the data of a deployment has come. */
    public void moveEventTime(String project, String name, Instant time) {
        store.moveEventTime(project, name, time);
    }

    /** Gives the gateway every plan, as a starting server does; those that cannot be loaded are broken and tried again. */
    public void publishAll() {
        publications.publishAll(store.listAll());
    }

    /** How a deployment stands at the gateway. */
    public Publications.Status status(Deployment deployment) {
        return publications.status(deployment);
    }

    /** Whether the gateway of this process has yet to take up what was decided last: until then what was served before answers. */
    public boolean isTakingUp(String project, String name) {
        return store.find(project, name).filter(publications::isTakingUp).isPresent();
    }

    /** Tries to load the models of a deployment at once, rather than at its next turn. */
    public Deployment retry(String project, String name) {
        Deployment deployment = deployment(project, name);
        publications.publish(List.of(deployment));
        return deployment;
    }

    /** Ends a deployment: nothing is served under its name any more. Its decisions stay, out of sight of a next one. */
    public void delete(String project, String name, String actor) {
        transactions.write(() -> {
            Deployment gone = deployment(project, name);
            store.delete(project, name, clock.instant());
            // Before what else is to be forgotten, which may take its time.
            transactions.afterCommit(() -> publications.withdraw(project, name));
            forgetting.forEach(action -> action.accept(project, name));
            events.append(Event.of(
                    "deployment.deleted",
                    project,
                    "deployment/" + name,
                    actor,
                    Map.of("name", name, "model", gone.definition().model())));
        });
    }

    /** The deployments that need a model or one of its versions. */
    @Override
    public List<String> users(String project, String model, OptionalInt version) {
        return store.list(project).stream()
                .filter(deployment -> uses(deployment, model, version))
                .map(Deployments::spoken)
                .toList();
    }

    /** The deployments of a model that have a champion, or a challenger, where that is what the alias says. */
    @Override
    public Map<String, Integer> holders(String project, String model, String alias) {
        if (!alias.equals(Rollouts.CHAMPION) && !alias.equals(Rollouts.CHALLENGER)) {
            return Map.of();
        }
        var holders = new TreeMap<String, Integer>();
        store.list(project).stream()
                .filter(deployment -> deployment.definition().model().equals(model))
                .forEach(deployment -> (alias.equals(Rollouts.CHAMPION)
                                ? deployment.champion()
                                : deployment.challenger())
                        .ifPresent(version -> holders.put(spoken(deployment), version)));
        return holders;
    }

    private static String spoken(Deployment deployment) {
        return "deployment '" + deployment.name() + "'";
    }

    private static boolean uses(Deployment deployment, String model, OptionalInt version) {
        return deployment.definition().model().equals(model)
                && (version.isEmpty()
                        || deployment.champion().equals(Optional.of(version.getAsInt()))
                        || deployment.challenger().equals(Optional.of(version.getAsInt())));
    }

    /**
     * Publishes anew what uses a version whose code may run now, or may not any more: here and, by its plan, at every replica. What
     * may not run is closed at once, whether or not the database can be read; what cannot be published anew is tried again.
     */
    public void trustChanged(ModelVersion version) {
        version.folder().ifPresent(folder -> publications.trustChanged(ServedVersion.of(version)));
    }
}
