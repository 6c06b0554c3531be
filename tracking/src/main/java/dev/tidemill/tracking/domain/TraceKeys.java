package dev.tidemill.tracking.domain;

import static dev.tidemill.platform.search.Comparison.Operator.EQUAL;
import static dev.tidemill.platform.search.Comparison.Operator.ILIKE;
import static dev.tidemill.platform.search.Comparison.Operator.IN;
import static dev.tidemill.platform.search.Comparison.Operator.LIKE;
import static dev.tidemill.platform.search.Comparison.Operator.NOT_EQUAL;
import static dev.tidemill.platform.search.Comparison.Operator.NOT_IN;
import static dev.tidemill.platform.search.Comparison.Operator.RLIKE;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.SearchGrammar;
import dev.tidemill.platform.search.SearchGrammar.Rule;
import dev.tidemill.platform.search.SearchParser;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What traces may be searched by. Some attributes are other names for a tag or for metadata. */
public final class TraceKeys {
    public static final String TAG = SearchKeys.TAG;
    public static final String METADATA = "request_metadata";
    public static final String SPAN = "span";
    public static final String FEEDBACK = "feedback";
    public static final String EXPECTATION = "expectation";
    public static final String ISSUE = "issue";

    /** Prefix of a key of {@link #SPAN} that names one of the span's attributes. */
    public static final String SPAN_ATTRIBUTE = "attributes.";

    private static final Rule NUMBER = new Rule(true, SearchGrammar.NUMERIC);
    private static final Rule TEXT = new Rule(false, SearchGrammar.TEXTUAL);
    private static final Rule LIST = new Rule(false, EnumSet.of(EQUAL, NOT_EQUAL, LIKE, ILIKE, RLIKE, IN, NOT_IN));
    private static final Rule CONTAINS = new Rule(false, EnumSet.of(LIKE, ILIKE, RLIKE));
    private static final Rule OPTIONAL_TEXT = Rule.optional(SearchGrammar.TEXTUAL_OR_PATTERN);
    private static final Rule JUDGEMENT = Rule.anyValue(SearchGrammar.TEXTUAL_OR_PATTERN, SearchGrammar.NUMERIC);

    /** Attributes that are tags or metadata by another name. */
    private static final Map<String, Ordering> ELSEWHERE = Map.of(
            "name", new Ordering(TAG, Trace.NAME_TAG, true),
            "prompt", new Ordering(TAG, Trace.PROMPTS_TAG, true),
            "text", new Ordering(SPAN, "content", true));

    public static final SearchGrammar GRAMMAR = new SearchGrammar()
            .fixedKeys(
                    SearchGrammar.ATTRIBUTE,
                    Map.ofEntries(
                            Map.entry("request_id", LIST),
                            Map.entry("client_request_id", LIST),
                            Map.entry("status", LIST),
                            Map.entry("name", LIST),
                            Map.entry("run_id", LIST),
                            Map.entry("prompt", TEXT),
                            Map.entry("text", CONTAINS),
                            Map.entry("experiment_id", NUMBER),
                            Map.entry("timestamp_ms", NUMBER),
                            Map.entry("execution_time_ms", NUMBER),
                            Map.entry("end_time_ms", NUMBER)),
                    Map.of(
                            "timestamp", "timestamp_ms",
                            "execution_time", "execution_time_ms",
                            "end_time", "end_time_ms",
                            "trace_id", "request_id",
                            "state", "status"),
                    "attributes",
                    "attr",
                    "trace")
            .freeKeys(TAG, OPTIONAL_TEXT, "tags")
            .freeKeys(METADATA, OPTIONAL_TEXT, "metadata")
            .freeKeys(SPAN, LIST)
            .freeKeys(FEEDBACK, JUDGEMENT)
            .freeKeys(EXPECTATION, JUDGEMENT)
            .fixedKeys(ISSUE, Map.of("id", new Rule(false, EnumSet.of(EQUAL))), Map.of());

    private TraceKeys() {}

    /** Reads a filter; what is another name for a tag is that tag afterwards. */
    static List<Comparison> filter(String text) {
        return SearchParser.filter(GRAMMAR, text).stream()
                .map(TraceKeys::mapped)
                .toList();
    }

    private static Comparison mapped(Comparison clause) {
        if (clause.entity().equals(SPAN)) {
            requireSpanKey(clause);
        }
        if (clause.entity().equals(SearchGrammar.ATTRIBUTE)
                && clause.key().equals("prompt")
                && clause.operand() instanceof Comparison.Text(String prompt)) {
            if (clause.operator() != EQUAL) {
                throw TidemillException.invalid(
                        "filter",
                        "Invalid comparator '" + clause.operator().symbol()
                                + "' for prompts filter. Only '=' is supported with format: prompt = \"name/version\"");
            }
            return new Comparison(TAG, Trace.PROMPTS_TAG, LIKE, new Comparison.Text(promptPattern(prompt)));
        }
        return elsewhere(clause.entity(), clause.key())
                .map(key -> new Comparison(key.entity(), key.key(), clause.operator(), clause.operand()))
                .orElse(clause);
    }

    /** A prompt is named as {@code name/version}. */
    private static String promptPattern(String prompt) {
        int slash = prompt.indexOf('/');
        if (slash <= 0 || prompt.indexOf('/', slash + 1) >= 0) {
            throw TidemillException.invalid(
                    "filter",
                    "Invalid prompts filter value '" + prompt + "'. Expected format: prompt = \"name/version\"");
        }
        return "%\"name\":\"" + prompt.substring(0, slash) + "\",\"version\":\"" + prompt.substring(slash + 1) + "\"%";
    }

    private static Optional<Ordering> elsewhere(String entity, String key) {
        return entity.equals(SearchGrammar.ATTRIBUTE) ? Optional.ofNullable(ELSEWHERE.get(key)) : Optional.empty();
    }

    private static void requireSpanKey(Comparison clause) {
        String key = clause.key();
        boolean attribute = key.startsWith(SPAN_ATTRIBUTE) && key.length() > SPAN_ATTRIBUTE.length();
        if (!attribute && !List.of("name", "type", "status", "content").contains(key)) {
            throw TidemillException.invalid(
                    "filter",
                    "Invalid span attribute '" + key
                            + "'. Supported attributes: name, status, type, attributes.<attribute_name>.");
        }
    }

    static List<Ordering> mapped(List<Ordering> order) {
        return order.stream()
                .map(ordering -> elsewhere(ordering.entity(), ordering.key())
                        .map(key -> new Ordering(key.entity(), key.key(), ordering.ascending()))
                        .orElse(ordering))
                .toList();
    }
}
