package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.tracking.domain.LoggedModelStore.DataSetRef;
import dev.tidemill.tracking.domain.LoggedModelStore.Order;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Models that clients have logged. Thread-safe. */
public final class LoggedModels {
    private final LoggedModelStore store;
    private final Experiments experiments;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;

    public LoggedModels(
            LoggedModelStore store, Experiments experiments, Transactions transactions, EventLog events, Clock clock) {
        this.store = store;
        this.experiments = experiments;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
    }

    /** Makes a model whose files are still to come. */
    public LoggedModel create(
            String project,
            String experimentId,
            Optional<String> name,
            String modelType,
            String sourceRun,
            Map<String, String> params,
            Map<String, String> tags,
            String actor) {
        String chosen = name.orElseGet(RunNames::next);
        if (chosen.matches("(?s).*[/:.%\"'].*")) {
            throw TidemillException.invalid(
                    "name",
                    "Invalid model name ('" + chosen + "') provided. Model name must be a non-empty string and cannot"
                            + " contain the following characters: ('/', ':', '.', '%', '\"', \"'\")");
        }
        return transactions.write(() -> {
            Experiment experiment = experiments.active(project, experimentId);
            String id = "m-" + RunId.next().value();
            store.insert(new LoggedModel(
                    id,
                    project,
                    experiment.id(),
                    chosen,
                    modelType,
                    LoggedModel.Status.LOGGED_MODEL_PENDING,
                    "",
                    sourceRun,
                    experiment.artifactLocation() + "/models/" + id + "/artifacts",
                    false,
                    clock.instant(),
                    clock.instant(),
                    Map.of(),
                    Map.of(),
                    List.of()));
            store.putParams(id, params);
            store.putTags(id, tags, clock.instant());
            events.append(
                    Event.of("logged-model.created", project, "logged-model/" + id, actor, Map.of("name", chosen)));
            return get(project, id);
        });
    }

    /** @throws TidemillException {@code NOT_FOUND}, in MLflow's words */
    public LoggedModel get(String project, String id) {
        return find(project, id)
                .orElseThrow(() ->
                        new TidemillException(ErrorCode.NOT_FOUND, "Logged model with ID '" + id + "' not found."));
    }

    public Optional<LoggedModel> find(String project, String id) {
        return store.find(project, id);
    }

    public LoggedModel finish(String project, String id, LoggedModel.Status status) {
        return transactions.write(() -> {
            store.finish(get(project, id).id(), status, clock.instant());
            return get(project, id);
        });
    }

    public void delete(String project, String id, String actor) {
        transactions.write(() -> {
            store.markDeleted(get(project, id).id(), clock.instant());
            events.append(Event.of("logged-model.deleted", project, "logged-model/" + id, actor, Map.of()));
        });
    }

    public void putParams(String project, String id, Map<String, String> params) {
        transactions.write(() -> store.putParams(get(project, id).id(), params));
    }

    public LoggedModel putTags(String project, String id, Map<String, String> tags) {
        return transactions.write(() -> {
            store.putTags(get(project, id).id(), tags, clock.instant());
            return get(project, id);
        });
    }

    public void removeTag(String project, String id, String name) {
        transactions.write(() -> {
            if (!store.removeTag(get(project, id).id(), name)) {
                throw new TidemillException(
                        ErrorCode.NOT_FOUND, "No tag with key '" + name + "' found for model with ID '" + id + "'.");
            }
        });
    }

    public Page<LoggedModel> search(
            String project,
            List<String> experimentIds,
            String filter,
            List<DataSetRef> dataSets,
            List<Order> order,
            Optional<String> token,
            int size) {
        var clauses = SearchParser.filter(SearchKeys.LOGGED_MODELS, filter);
        // A token belongs to the search that gave it.
        long asked = Integer.toUnsignedLong(Objects.hash(experimentIds, filter, dataSets, order));
        SearchToken from = SearchToken.parse(token, asked);
        var numbers = Experiments.numbers(experimentIds);
        var found = store.search(project, numbers, clauses, dataSets, order, from.offset(), size);
        return new Page<>(
                found.items(),
                found.more()
                        ? Optional.of(
                                new SearchToken(from.offset() + found.items().size(), asked).text())
                        : Optional.empty());
    }
}
