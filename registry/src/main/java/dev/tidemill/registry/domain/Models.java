package dev.tidemill.registry.domain;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.Names;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Models and versions. Thread-safe. */
public final class Models {
    private final ModelStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    public Models(ModelStore store, Transactions transactions, EventLog events, Clock clock) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** What a new version is made of. */
    public record Candidate(
            Digest folder,
            Signature signature,
            Map<String, Double> metrics,
            Map<String, String> params,
            Optional<String> run,
            List<String> dataVersions,
            String dataDigest,
            String codeVersion,
            Optional<Instant> dataUntil) {}

    /** Registers a version; the same maker a second time gets the version it made. */
    public ModelVersion register(String project, String model, Candidate candidate, String madeBy, String actor) {
        Names.require("model", model);
        return transactions.write(() -> {
            Optional<ModelVersion> earlier = store.findMadeBy(project, model, madeBy);
            if (earlier.isPresent()) {
                return earlier.get();
            }
            store.ensureModel(project, model, clock.instant());
            var version = new ModelVersion(
                    project,
                    model,
                    store.newestVersion(project, model) + 1,
                    ModelVersion.Stage.ACTIVE,
                    candidate.folder(),
                    candidate.signature(),
                    candidate.metrics(),
                    candidate.params(),
                    candidate.run(),
                    candidate.dataVersions(),
                    candidate.dataDigest(),
                    candidate.codeVersion(),
                    candidate.dataUntil(),
                    madeBy,
                    clock.instant());
            store.insert(version);
            Event event = Event.of(
                            "model.version.registered",
                            project,
                            "model/" + version.reference(),
                            actor,
                            Map.of("model", model, "version", version.version(), "metrics", version.metrics()))
                    .withDigest(version.folder().value())
                    .withCause("pipeline-run/" + madeBy);
            events.append(candidate.dataUntil().map(event::at).orElse(event));
            return version;
        });
    }

    public List<ModelStore.Model> list(String project) {
        return store.models(project);
    }

    public ModelVersion version(String project, String model, int version) {
        return store.find(project, model, version)
                .orElseThrow(() -> TidemillException.notFound("model version", model + "/" + version));
    }

    public List<ModelVersion> versions(String project, String model) {
        return store.versions(project, model);
    }

    public Map<String, Integer> aliases(String project, String model) {
        return store.aliases(project, model);
    }

    /** Points an alias at a version. */
    public void setAlias(String project, String model, String alias, int version, String actor) {
        transactions.write(() -> {
            ModelVersion target = version(project, model, version);
            store.setAlias(project, model, Names.require("alias", alias), version);
            events.append(Event.of(
                    "model.alias.moved", project, "model/" + target.reference(), actor, Map.of("alias", alias)));
        });
    }

    public void removeAlias(String project, String model, String alias) {
        store.removeAlias(project, model, alias);
    }

    /** Takes a version out of use; it stays readable. */
    public void archive(String project, String model, int version, String actor) {
        transactions.write(() -> {
            store.setStage(project, model, version, ModelVersion.Stage.ARCHIVED);
            events.append(
                    Event.of("model.version.archived", project, "model/" + model + "/" + version, actor, Map.of()));
        });
    }
}
