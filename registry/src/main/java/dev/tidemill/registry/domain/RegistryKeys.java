package dev.tidemill.registry.domain;

import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.search.SearchGrammar.Rule;
import dev.tidemill.platform.search.SearchWords;
import java.util.List;
import java.util.Map;

/** What models and versions may be searched by. */
public final class RegistryKeys {
    public static final String TAG = "tag";

    private static final Rule NUMBER = new Rule(true, SearchGrammar.NUMERIC);
    private static final Rule TEXT = new Rule(false, SearchGrammar.TEXTUAL);
    /** What was changed last comes first where nothing else is asked for. */
    public static final List<Ordering> VERSION_ORDER =
            List.of(new Ordering(SearchGrammar.ATTRIBUTE, "last_updated_timestamp", false));

    private static final Rule TEXT_OR_LIST = new Rule(false, SearchGrammar.TEXTUAL_OR_LIST);

    public static final SearchGrammar MODELS = new SearchGrammar()
            .words(SearchWords.REGISTERED_MODELS)
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of("name", TEXT_OR_LIST, "last_updated_timestamp", NUMBER),
                    Map.of("timestamp", "last_updated_timestamp"),
                    "attributes",
                    "attr")
            .freeKeys(TAG, TEXT, "tags")
            .orderKeys("name", "timestamp", "last_updated_timestamp");

    public static final SearchGrammar VERSIONS = new SearchGrammar()
            .words(SearchWords.MODEL_VERSIONS)
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.of(
                            "name", TEXT_OR_LIST,
                            "run_id", TEXT_OR_LIST,
                            "source_path", TEXT,
                            "version_number", NUMBER,
                            "creation_timestamp", NUMBER,
                            "last_updated_timestamp", NUMBER),
                    Map.of(),
                    "attributes",
                    "attr")
            .freeKeys(TAG, TEXT, "tags")
            .orderAttributes("name", "version_number", "creation_timestamp", "last_updated_timestamp");

    private RegistryKeys() {}
}
