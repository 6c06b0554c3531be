package dev.tidemill.tracking.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Page;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.search.SearchGrammar.Rule;
import dev.tidemill.platform.search.SearchParser;
import dev.tidemill.platform.search.SearchWords;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.tracking.domain.EvaluationDataSet.Row;
import java.time.Clock;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** Evaluation data sets. Thread-safe. */
public final class EvaluationDataSets {
    private static final String USER_TAG = "mlflow.user";
    private static final int LONGEST_NAME = 255;
    private static final Rule TEXT = new Rule(false, SearchGrammar.TEXTUAL);
    private static final Rule TEXT_OR_LIST = new Rule(
            false,
            EnumSet.of(
                    Comparison.Operator.EQUAL,
                    Comparison.Operator.NOT_EQUAL,
                    Comparison.Operator.LIKE,
                    Comparison.Operator.ILIKE,
                    Comparison.Operator.IN));
    private static final Rule NUMBER = new Rule(true, SearchGrammar.NUMERIC);
    private static final SearchGrammar GRAMMAR = new SearchGrammar()
            .words(SearchWords.EVALUATION_DATA_SETS)
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of(
                            "name", TEXT_OR_LIST,
                            "created_by", TEXT,
                            "last_updated_by", TEXT,
                            "created_time", NUMBER,
                            "last_update_time", NUMBER),
                    Map.of(),
                    "attributes")
            .freeKeys(SearchKeys.TAG, TEXT, "tags")
            .orderAttributes("name", "created_time", "last_update_time");

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

    /**
     * Makes a set. Sets are told apart by their ids: several may have one name.
     *
     * @param experimentIds with which it is to be found; they need not be there yet
     */
    public EvaluationDataSet create(String project, String name, List<String> experimentIds, Map<String, String> tags) {
        if (name.isEmpty() || name.length() > LONGEST_NAME) {
            throw TidemillException.invalid(
                    "name", "A name has 1 to " + LONGEST_NAME + " characters; this one has " + name.length());
        }
        return transactions.write(() -> {
            var numbers = Experiments.numbers(experimentIds);
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
            store.insert(made);
            store.link(made.id(), numbers);
            return get(project, made.id());
        });
    }

    private List<Long> numbers(String project, List<String> experimentIds) {
        return Experiments.few(experimentIds).stream()
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
                    Experiments.few(experimentIds).stream()
                            .filter(experiment -> experiment.matches("\\d{1,18}"))
                            .map(Experiments::number)
                            .toList());
            return get(project, id);
        });
    }

    /**
     * Merges tags into those that are there. Any text is a name, up to the length of one.
     *
     * @throws TidemillException {@code NOT_FOUND}, in MLflow's words
     */
    public void putTags(String project, String id, Map<String, String> tags) {
        tags.keySet().forEach(name -> Limits.length("key", name));
        transactions.write(() -> {
            EvaluationDataSet there = store.find(project, id)
                    .orElseThrow(() -> new TidemillException(
                            ErrorCode.NOT_FOUND, "Could not find evaluation dataset with ID " + id));
            var merged = new TreeMap<>(there.tags());
            merged.putAll(tags);
            store.update(tagged(there, merged));
        });
    }

    /** Removes a tag, if the set and its tag are there. */
    public void removeTag(String project, String id, String name) {
        transactions.write(() -> store.find(project, id)
                .filter(there -> there.tags().containsKey(name))
                .ifPresent(there -> {
                    var left = new TreeMap<>(there.tags());
                    left.remove(name);
                    store.update(tagged(there, left));
                }));
    }

    private EvaluationDataSet tagged(EvaluationDataSet there, Map<String, String> tags) {
        return with(there, tags, there.schema(), there.profile(), there.digest(), there.updatedBy());
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

    /** A page of the records, the oldest first; it goes on behind the last one by the index, however many there are. */
    public Page<Row> rows(String project, String id, Optional<String> token, int size) {
        get(project, id);
        SearchPage page = SearchPage.parse(token);
        Optional<RunStore.Last> after = page.start().last();
        if (after.isEmpty() && page.start().offset() > 0) {
            throw TidemillException.invalid("page_token", "Invalid page token: it does not say which record came last");
        }
        Portion<Row> found = store.rows(id, after, size);
        if (!found.more()) {
            return new Page<>(found.items(), Optional.empty());
        }
        Row last = found.items().getLast();
        return new Page<>(
                found.items(),
                Optional.of(page.after(found.items().size(), last.createdAt(), last.id())
                        .token()));
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
        var numbers = Experiments.numbers(experimentIds);
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
