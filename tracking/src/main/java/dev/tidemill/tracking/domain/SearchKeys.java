package dev.tidemill.tracking.domain;

import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.search.SearchGrammar.Rule;
import dev.tidemill.platform.search.SearchWords;
import java.util.Map;
import java.util.Set;

/** What experiments, runs and logged models may be searched by. */
public final class SearchKeys {
    public static final String METRIC = "metric";
    public static final String PARAM = "parameter";
    public static final String TAG = "tag";
    public static final String DATA_SET = "dataset";

    private static final Rule NUMBER = new Rule(true, SearchGrammar.NUMERIC);
    private static final Rule TEXT = new Rule(false, SearchGrammar.TEXTUAL);
    private static final Rule TEXT_OR_LIST = new Rule(false, SearchGrammar.TEXTUAL_OR_LIST);
    private static final Rule OPTIONAL_TEXT = Rule.optional(SearchGrammar.TEXTUAL);

    public static final SearchGrammar EXPERIMENTS = new SearchGrammar()
            .words(SearchWords.EXPERIMENTS)
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of(
                            "name", TEXT,
                            "creation_time", NUMBER,
                            "last_update_time", NUMBER,
                            "experiment_id", TEXT_OR_LIST),
                    Map.of(),
                    "attributes",
                    "attr")
            .freeKeys(TAG, OPTIONAL_TEXT, "tags");

    public static final SearchGrammar RUNS = new SearchGrammar()
            .freeKeys(METRIC, NUMBER, "metrics")
            .freeKeys(PARAM, OPTIONAL_TEXT, "parameters", "param", "params")
            .freeKeys(TAG, OPTIONAL_TEXT, "tags")
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of(
                            "artifact_uri", TEXT,
                            "run_id", TEXT_OR_LIST,
                            "run_name", TEXT,
                            "status", TEXT,
                            "user_id", TEXT,
                            "start_time", NUMBER,
                            "end_time", NUMBER),
                    Map.of(
                            "created", "start_time",
                            "Created", "start_time",
                            "run name", "run_name",
                            "Run name", "run_name",
                            "Run Name", "run_name"),
                    "attributes",
                    "attr",
                    "run")
            .fixedKeys(
                    DATA_SET,
                    Map.of("name", TEXT_OR_LIST, "digest", TEXT_OR_LIST, "context", TEXT_OR_LIST),
                    Map.of(),
                    "datasets");

    private static final Set<String> LOGGED_MODEL_ORDERS = Set.of(
            "name",
            "model_id",
            "model_type",
            "status",
            "source_run_id",
            "creation_timestamp",
            "creation_time",
            "last_updated_timestamp",
            "last_updated_time");

    public static final SearchGrammar LOGGED_MODELS = new SearchGrammar()
            .words(SearchWords.LOGGED_MODELS)
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of(
                            "name", TEXT_OR_LIST,
                            "model_id", TEXT_OR_LIST,
                            "model_type", TEXT_OR_LIST,
                            "status", TEXT_OR_LIST,
                            "source_run_id", TEXT_OR_LIST,
                            "creation_timestamp", NUMBER,
                            "last_updated_timestamp", NUMBER),
                    Map.of("creation_time", "creation_timestamp", "last_updated_time", "last_updated_timestamp"),
                    "attributes",
                    "attr")
            .freeKeys(METRIC, NUMBER, "metrics")
            .freeKeys(PARAM, TEXT_OR_LIST, "parameters", "param", "params")
            .freeKeys(TAG, TEXT_OR_LIST, "tags");

    /** Whether logged models can be ordered by a field: one of their attributes, or a metric as {@code metrics.NAME}. */
    public static boolean ordersLoggedModels(String field) {
        return LOGGED_MODEL_ORDERS.contains(field) || field.startsWith("metrics.");
    }

    private SearchKeys() {}
}
