package dev.tidemill.registry.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.sql.Transactions;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Names that point at one version of a model and may be moved to another, such as {@code champion}. A move is one unit of work with
 * its event. Names are MLflow's: letters, digits, underscores and dashes; {@value #LATEST} and those that look like a version
 * ({@code v1}) are reserved. Thread-safe.
 */
public final class Aliases {
    /** The alias that every model has, whatever its case: its newest version. */
    public static final String LATEST = "latest";

    private static final int LONGEST_ALIAS = 255;

    private final ModelStore store;
    private final VersionStore versions;
    private final Models models;
    private final Transactions transactions;
    private final EventLog events;

    public Aliases(ModelStore store, VersionStore versions, Models models, Transactions transactions, EventLog events) {
        this.store = store;
        this.versions = versions;
        this.models = models;
        this.transactions = transactions;
        this.events = events;
    }

    /** The version that each alias of a model points at; empty where there is no such model. {@value #LATEST} is not told. */
    public Map<String, Integer> of(String project, String model) {
        return store.aliases(project, model);
    }

    /**
     * The version that an alias points at; {@value #LATEST} is the newest one.
     *
     * @throws TidemillException {@code NOT_FOUND} if there is no such model, or no version of it; {@code INVALID_ARGUMENT} if it has
     *     no such alias, or the name can be none
     */
    public ModelVersion version(String project, String model, String alias) {
        checkAlias(alias);
        models.model(project, model);
        if (alias.equalsIgnoreCase(LATEST)) {
            return versions.newest(project, model, false)
                    .orElseThrow(() -> new TidemillException(
                            ErrorCode.NOT_FOUND, "Latest version not found for model " + model + "."));
        }
        Integer version = store.aliases(project, model).get(alias);
        if (version == null) {
            throw TidemillException.invalid("alias", "Registered model alias " + alias + " not found.");
        }
        return models.version(project, model, version);
    }

    /** Points an alias at a version as the other {@code set} does, wherever it points now. */
    public void set(String project, String model, String alias, int version, String actor) {
        set(project, model, alias, version, Optional.empty(), actor);
    }

    /**
     * Points an alias at a version, if it still points where the caller believes.
     *
     * @param expected the version that it must point at now, 0 if it must not be there; empty whatever it is
     * @throws TidemillException {@code CONFLICT} if somebody else has moved it, or something that uses the model keeps it elsewhere;
     *     {@code INVALID_ARGUMENT} for a name that is reserved or can be none; {@code NOT_FOUND} if there is no such version
     */
    public void set(String project, String model, String alias, int version, Optional<Integer> expected, String actor) {
        checkAlias(alias);
        if (alias.equalsIgnoreCase(LATEST)) {
            throw TidemillException.invalid("alias", "'latest' alias name (case insensitive) is reserved.");
        }
        if (alias.matches("[vV]\\d+")) {
            throw TidemillException.invalid("alias", "Version alias name '" + alias + "' is reserved.");
        }
        transactions.write(() -> {
            // First, so that what is not there is told in MLflow's words.
            models.version(project, model, version);
            requireNotHeld(project, model, alias, OptionalInt.of(version));
            requireAt(project, model, alias, expected);
            keep(project, model, alias, version, actor);
        });
    }

    /** Points an alias at a version for what decides about it: nobody is asked. */
    public void keep(String project, String model, String alias, int version, String actor) {
        transactions.write(() -> {
            ModelVersion target = models.version(project, model, version);
            store.setAlias(project, model, alias, version);
            models.touch(models.model(project, model));
            events.append(Event.of(
                    "model.alias.moved",
                    project,
                    "model/" + target.reference(),
                    actor,
                    Map.of(
                            "alias",
                            alias,
                            "model",
                            model,
                            "version",
                            version,
                            "prompt",
                            models.isPrompt(project, model))));
        });
    }

    /** @param version where it is to point; empty if it is to go */
    private void requireNotHeld(String project, String model, String alias, OptionalInt version) {
        models.hold(project, model);
        Map<String, Integer> holders = models.holders(project, model, alias);
        if (holders.isEmpty() || version.isPresent() && holders.containsValue(version.getAsInt())) {
            return;
        }
        String kept = holders.entrySet().stream()
                .map(holder -> "version " + holder.getValue() + " by " + holder.getKey())
                .collect(Collectors.joining(", "));
        throw new TidemillException(
                        ErrorCode.CONFLICT,
                        "Alias '" + alias + "' of model '" + model + "' is kept at " + kept
                                + ", and would say what is not so")
                .at("alias")
                .remedy("Decide there: offer, promote or roll back a version; or take another alias");
    }

    private static void checkAlias(String alias) {
        if (alias.isEmpty()) {
            throw TidemillException.invalid("alias", "Registered model alias name cannot be empty.");
        }
        if (!alias.matches("(?U)[\\w-]+")) {
            throw TidemillException.invalid(
                    "alias",
                    "Invalid alias name: '" + Models.shortened(alias)
                            + "'. Names may only contain alphanumerics, underscores (_), and dashes (-).");
        }
        if (alias.length() > LONGEST_ALIAS) {
            throw TidemillException.invalid(
                    "alias",
                    "'Registered model alias name' exceeds the maximum length of " + LONGEST_ALIAS + " characters");
        }
    }

    private void requireAt(String project, String model, String alias, Optional<Integer> expected) {
        int now = store.aliases(project, model).getOrDefault(alias, 0);
        if (expected.isPresent() && expected.get() != now) {
            throw new TidemillException(
                            ErrorCode.CONFLICT,
                            "Alias '" + alias + "' of model '" + model + "' "
                                    + (now == 0 ? "is not there" : "points at version " + now) + ", not at "
                                    + expected.get())
                    .at("If-Match")
                    .remedy("Look at what it points at now, and decide again");
        }
    }

    /**
     * Removes an alias; one that is not there changes nothing.
     *
     * @throws TidemillException {@code CONFLICT} if something that uses the model keeps it; {@code NOT_FOUND} if there is no such model
     */
    public void remove(String project, String model, String alias, String actor) {
        transactions.write(() -> {
            requireNotHeld(project, model, alias, OptionalInt.empty());
            release(project, model, alias, actor);
        });
    }

    /** Removes an alias for what decides about it: nobody is asked. */
    public void release(String project, String model, String alias, String actor) {
        transactions.write(() -> {
            boolean there = store.aliases(project, model).containsKey(alias);
            store.removeAlias(project, model, alias);
            if (there) {
                events.append(Event.of(
                        "model.alias.removed",
                        project,
                        "model/" + model,
                        actor,
                        Map.of("alias", alias, "model", model, "prompt", models.isPrompt(project, model))));
            }
        });
    }
}
