package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.search.SearchGrammar.Rule;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.tracking.domain.EvaluationDataSet.Row;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** Evaluation data sets. Thread-safe. */
public final class EvaluationDataSets {
    private static final String USER_TAG = "mlflow.user";
    private static final Rule TEXT = new Rule(false, SearchGrammar.TEXTUAL);
    private static final Rule LIST = new Rule(false, SearchGrammar.TEXTUAL_OR_LIST);
    private static final Rule NUMBER = new Rule(true, SearchGrammar.NUMERIC);
    private static final SearchGrammar GRAMMAR = new SearchGrammar()
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of(
                            "name", LIST,
                            "created_by", TEXT,
                            "last_updated_by", TEXT,
                            "created_time", NUMBER,
                            "last_update_time", NUMBER),
                    Map.of(),
                    "attributes")
            .freeKeys(SearchKeys.TAG, TEXT, "tags");

    private final EvaluationStore store;
    private final Experiments experiments;
    private final Transactions transactions;
    private final Clock clock;

    public EvaluationDataSets(EvaluationStore store, Experiments experiments, Transactions transactions, Clock clock) {
        this.store = store;
        this.experiments = experiments;
        this.transactions = transactions;
        this.clock = clock;
    }

    /** @param experimentIds with which it is to be found; they need not be there yet */
    public EvaluationDataSet create(String project, String name, List<String> experimentIds, Map<String, String> tags) {
        if (name.isBlank() || name.length() > 255) {
            throw TidemillException.invalid("name", "A name has 1 to 255 characters, '" + name + "' has not");
        }
        return transactions.write(() -> {
            var numbers = experimentIds.stream().map(Experiments::number).toList();
            String user = tags.getOrDefault(USER_TAG, "");
            var made = new EvaluationDataSet(
                    "d-" + RunId.next().value(),
                    project,
                    name,
                    tags,
                    "",
                    "",
                    digest(name),
                    user,
                    user,
                    clock.instant(),
                    clock.instant(),
                    numbers);
            if (!store.insert(made)) {
                throw new TidemillException(
                        ErrorCode.ALREADY_EXISTS, "Dataset with name '" + name + "' already exists.");
            }
            store.link(made.id(), numbers);
            return get(project, made.id());
        });
    }

    private List<Long> numbers(String project, List<String> experimentIds) {
        return experimentIds.stream()
                .map(id -> experiments
                        .find(project, id)
                        .orElseThrow(() -> new TidemillException(ErrorCode.NOT_FOUND, "No Experiment with id=" + id))
                        .id())
                .toList();
    }

    private String digest(String name) {
        return Ids.sha256(name + ":" + clock.millis()).substring(0, 8);
    }

    /** @throws TidemillException {@code NOT_FOUND}, in MLflow's words */
    public EvaluationDataSet get(String project, String id) {
        return store.find(project, id)
                .orElseThrow(() -> new TidemillException(
                        ErrorCode.NOT_FOUND, "Evaluation dataset with id '" + id + "' not found"));
    }

    private EvaluationDataSet linked(String project, String id) {
        return store.find(project, id)
                .orElseThrow(() -> new TidemillException(ErrorCode.NOT_FOUND, "Dataset '" + id + "' not found"));
    }

    /** Removes a set with its records, if it is there. */
    public void delete(String project, String id) {
        transactions.write(() -> store.find(project, id).ifPresent(there -> store.delete(there.id())));
    }

    public EvaluationDataSet link(String project, String id, List<String> experimentIds) {
        return transactions.write(() -> {
            store.link(linked(project, id).id(), numbers(project, experimentIds));
            return get(project, id);
        });
    }

    public EvaluationDataSet unlink(String project, String id, List<String> experimentIds) {
        return transactions.write(() -> {
            store.unlink(
                    linked(project, id).id(),
                    experimentIds.stream()
                            .filter(experiment -> experiment.matches("\\d{1,18}"))
                            .map(Experiments::number)
                            .toList());
            return get(project, id);
        });
    }

    /** Merges tags into those that are there; a tag without a value is removed. */
    public EvaluationDataSet putTags(String project, String id, Map<String, Optional<String>> tags) {
        return changed(project, id, there -> {
            var merged = new TreeMap<>(there.tags());
            tags.forEach((name, value) -> value.ifPresentOrElse(
                    text -> merged.put(Limits.key("Tag", name), text), () -> merged.remove(name)));
            return with(there, merged, there.schema(), there.profile(), there.digest(), there.updatedBy());
        });
    }

    private EvaluationDataSet changed(
            String project, String id, Function<EvaluationDataSet, EvaluationDataSet> change) {
        return transactions.write(() -> {
            store.update(change.apply(get(project, id)));
            return get(project, id);
        });
    }

    private EvaluationDataSet with(
            EvaluationDataSet there,
            Map<String, String> tags,
            String schema,
            String profile,
            String digest,
            String updatedBy) {
        return new EvaluationDataSet(
                there.id(),
                there.project(),
                there.name(),
                tags,
                schema,
                profile,
                digest,
                there.createdBy(),
                updatedBy,
                there.createdAt(),
                clock.instant(),
                there.experiments());
    }

    /** How many records were new, and how many were there already. */
    public record Counts(int inserted, int updated) {}

    /** Merges a record that is told again into the one that is there. */
    @FunctionalInterface
    public interface Merge {
        Row of(Row there, Row told);
    }

    /**
     * Adds records; one with the inputs of another is merged into it.
     *
     * @param schema of all records, told by those that come now and the schema that was there
     */
    public Counts putRows(String project, String id, List<Row> rows, Merge merge, Function<String, String> schema) {
        return transactions.write(() -> {
            int inserted = 0;
            EvaluationDataSet there = get(project, id);
            String user = there.updatedBy();
            for (Row row : rows) {
                Optional<Row> same = store.findRow(id, row.inputs());
                store.putRow(id, same.map(known -> merge.of(known, row)).orElse(row));
                inserted += same.isEmpty() ? 1 : 0;
                user = row.updatedBy().isEmpty() ? user : row.updatedBy();
            }
            store.update(with(
                    there,
                    there.tags(),
                    schema.apply(there.schema()),
                    "{\"num_records\":" + store.countRows(id) + "}",
                    digest(there.name()),
                    user));
            return new Counts(inserted, rows.size() - inserted);
        });
    }

    public Page<Row> rows(String project, String id, Optional<String> token, int size) {
        get(project, id);
        long offset = Page.offset(token);
        return Page.of(store.rows(id, offset, size), offset);
    }

    public int deleteRows(String project, String id, List<String> ids) {
        return transactions.write(() -> {
            EvaluationDataSet there = get(project, id);
            int deleted = store.deleteRows(id, ids);
            if (deleted > 0) {
                store.update(with(
                        there,
                        there.tags(),
                        there.schema(),
                        "{\"num_records\":" + store.countRows(id) + "}",
                        digest(there.name()),
                        there.updatedBy()));
            }
            return deleted;
        });
    }

    public Page<EvaluationDataSet> search(
            String project,
            List<String> experimentIds,
            String filter,
            List<String> order,
            Optional<String> token,
            int size) {
        long offset = Page.offset(token);
        var numbers = experimentIds.stream().map(Experiments::number).toList();
        return Page.of(
                store.search(
                        project,
                        numbers,
                        SearchParser.filter(GRAMMAR, filter),
                        SearchParser.order(GRAMMAR, order),
                        offset,
                        size),
                offset);
    }
}
