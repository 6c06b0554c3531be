package dev.tidemill.tracking.domain;

import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Transactions;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Experiments. Thread-safe. */
public final class Experiments {
    /** Experiments that a request names at most, far more than clients do: a statement names them all. */
    private static final int MOST_NAMED = 10_000;

    private static final Pattern NUMBER = Pattern.compile("\\d{1,18}");

    private final ExperimentStore store;
    private final RunStore runs;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private final String artifactRoot;

    /** @param artifactRoot URI below which experiments keep artifacts, without a slash at the end */
    public Experiments(
            ExperimentStore store,
            RunStore runs,
            Transactions transactions,
            EventLog events,
            Clock clock,
            String artifactRoot) {
        this.store = store;
        this.runs = runs;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
        this.artifactRoot = artifactRoot;
    }

    /** Sees to it that the experiment with id 0 is there. */
    public void prepare() {
        transactions.write(() -> store.ensureDefault(artifactRoot, clock.instant()));
    }

    /**
     * Creates an experiment.
     *
     * @param artifactLocation where its artifacts go; empty for the server's own place
     */
    public Experiment create(
            String project, String name, Optional<String> artifactLocation, Map<String, String> tags, String actor) {
        Limits.experimentName(name);
        tags.forEach((key, value) -> {
            Limits.key("Tag", key);
            Limits.experimentTagValue(value);
        });
        Optional<String> place = artifactLocation.map(Experiments::absolute);
        place.ifPresent(location -> {
            ArtifactLocations.require("artifact_location", location);
            LocatedFiles.requireOutside("artifact_location", location, artifactRoot);
        });
        return transactions.write(() -> {
            Experiment made = store.insert(project, name, place, artifactRoot, clock.instant())
                    .orElseThrow(() -> taken(name));
            tags.forEach((key, value) -> store.putTag(made.id(), key, value));
            announce(made, actor);
            return get(project, made.reference());
        });
    }

    /** A path of this machine that hangs on where the server was started is made whole. */
    private static String absolute(String location) {
        boolean address = location.matches("(?s)^[A-Za-z][A-Za-z0-9+.-]*:.*");
        if (address || location.startsWith("/") || location.isBlank() || location.indexOf('\0') >= 0) {
            return location;
        }
        ArtifactLocations.require("artifact_location", location);
        return Path.of(location).toAbsolutePath().normalize().toString();
    }

    private static TidemillException taken(String name) {
        return new TidemillException(
                ErrorCode.ALREADY_EXISTS,
                "Experiment(name=" + name
                        + ") already exists. Error: the name is unique, deleted experiments included");
    }

    /** The experiment of that name, made if it is missing. */
    public Experiment ensure(String project, String name, String actor) {
        return transactions.write(() -> {
            Optional<Experiment> there = store.findByName(project, name);
            if (there.isPresent()) {
                return there.get();
            }
            Optional<Experiment> made = store.insert(project, name, Optional.empty(), artifactRoot, clock.instant());
            made.ifPresent(experiment -> announce(experiment, actor));
            // Somebody else may have made it since.
            return made.or(() -> store.findByName(project, name)).orElseThrow();
        });
    }

    private void announce(Experiment made, String actor) {
        events.append(Event.of(
                "experiment.created", made.project(), "experiment/" + made.id(), actor, Map.of("name", made.name())));
    }

    /** The experiment, empty if there is none by that id or if it is no id. */
    Optional<Experiment> find(String project, String id) {
        return id.matches("\\d{1,18}") ? store.find(project, Long.parseLong(id)) : Optional.empty();
    }

    /** @throws TidemillException {@code NOT_FOUND}, or {@code INVALID_ARGUMENT} for an id that is no number, in MLflow's words */
    public Experiment get(String project, String id) {
        return store.find(project, number(id))
                .orElseThrow(
                        () -> new TidemillException(ErrorCode.NOT_FOUND, "No Experiment with id=" + id + " exists"));
    }

    /**
     * The numbers of the experiments that a caller names, each once.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for an id that is no number, in MLflow's words, or more than 10,000 experiments
     */
    static List<Long> numbers(Collection<String> ids) {
        return few(ids).stream().map(Experiments::number).distinct().toList();
    }

    /**
     * The ids of experiments that a caller names, each once.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for more than 10,000 of them
     */
    public static List<String> few(Collection<String> ids) {
        List<String> distinct = ids.stream().distinct().toList();
        if (distinct.size() > MOST_NAMED) {
            throw TidemillException.invalid(
                    "experiment_ids",
                    "A request names at most " + MOST_NAMED + " experiments; this one names " + distinct.size()
                            + ". Ask for fewer at a time");
        }
        return distinct;
    }

    /** An experiment's number. */
    static long number(String id) {
        if (!NUMBER.matcher(id).matches()) {
            throw TidemillException.invalid(
                    "experiment_id", "Invalid experiment ID '" + id + "'. Experiment ID must be a valid integer.");
        }
        return Long.parseLong(id);
    }

    public Experiment getByName(String project, String name) {
        return store.findByName(project, name)
                .orElseThrow(() -> new TidemillException(
                        ErrorCode.NOT_FOUND, "Could not find experiment with name '" + name + "'"));
    }

    /** An experiment that something is put into: nobody deletes it until the unit of work ends. */
    Experiment active(String project, String id) {
        Experiment experiment = undeleted(project, id);
        store.hold(experiment.id());
        return experiment;
    }

    private Experiment undeleted(String project, String id) {
        Experiment experiment = get(project, id);
        if (experiment.deleted()) {
            throw TidemillException.invalid(
                    "experiment_id",
                    "The experiment " + id + " must be in the 'active' state. Current state is deleted.");
        }
        return experiment;
    }

    public Page<Experiment> search(
            String project, Lifecycle lifecycle, String filter, List<String> order, Optional<String> token, int size) {
        var clauses = SearchParser.filter(SearchKeys.EXPERIMENTS, filter);
        var orderings = SearchParser.order(SearchKeys.EXPERIMENTS, order);
        SearchPage page = SearchPage.parse(token);
        var found = store.search(project, lifecycle, clauses, orderings, page.start(), size);
        if (!found.more()) {
            return new Page<>(found.items(), Optional.empty());
        }
        Experiment last = found.items().getLast();
        SearchPage next = page.after(found.items().size(), last.createdAt(), last.reference());
        return new Page<>(found.items(), Optional.of(next.token()));
    }

    public void rename(String project, String id, String name, String actor) {
        Limits.experimentName(name);
        transactions.write(() -> {
            Experiment experiment = undeleted(project, id);
            if (store.findByName(project, name)
                    .filter(other -> other.id() != experiment.id())
                    .isPresent()) {
                throw taken(name);
            }
            store.update(experiment.id(), name, false, clock.instant());
            if (!name.equals(experiment.name())) {
                events.append(Event.of(
                        "experiment.renamed",
                        project,
                        "experiment/" + id,
                        actor,
                        Map.of("name", name, "before", experiment.name())));
            }
        });
    }

    /** Deletes an experiment and its runs; all of it can be restored. */
    public void delete(String project, String id, String actor) {
        transactions.write(() -> {
            Experiment experiment = undeleted(project, id);
            store.update(experiment.id(), experiment.name(), true, clock.instant());
            runs.setDeletedIn(experiment.id(), true, clock.instant());
            events.append(Event.of("experiment.deleted", project, "experiment/" + id, actor, Map.of()));
        });
        // Runs that were being started meanwhile, which that unit of work has waited for and not seen. From here on
        // none is.
        transactions.write(() -> {
            find(project, id)
                    .filter(Experiment::deleted)
                    .ifPresent(experiment -> runs.setDeletedIn(experiment.id(), true, clock.instant()));
        });
    }

    public void restore(String project, String id, String actor) {
        transactions.write(() -> {
            Experiment experiment = get(project, id);
            if (!experiment.deleted()) {
                throw new TidemillException(ErrorCode.NOT_FOUND, "No deleted experiment with id=" + id + " exists");
            }
            store.update(experiment.id(), experiment.name(), false, clock.instant());
            runs.setDeletedIn(experiment.id(), false, clock.instant());
            events.append(Event.of("experiment.restored", project, "experiment/" + id, actor, Map.of()));
        });
    }

    public void putTag(String project, String id, String key, String value) {
        Limits.key("Tag", key);
        Limits.experimentTagValue(value);
        if (key.equals(Retention.POLICY_TAG)) {
            Retention.requirePolicy(value);
        }
        transactions.write(() -> store.putTag(active(project, id).id(), key, value));
    }

    public void removeTag(String project, String id, String key) {
        transactions.write(() -> {
            if (!store.removeTag(active(project, id).id(), key)) {
                throw new TidemillException(
                        ErrorCode.NOT_FOUND, "No tag with name: " + key + " in experiment with id " + id);
            }
        });
    }

    /** What active runs of these experiments have read. */
    public List<ExperimentStore.DataSetUse> dataSets(String project, List<String> ids) {
        return store.dataSets(project, numbers(ids));
    }
}
