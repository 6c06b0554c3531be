package dev.tidemill.platform.search;

import dev.tidemill.platform.search.Comparison.Operator;
import dev.tidemill.platform.search.SearchGrammar.Key;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** In which words a search is refused: MLflow has a parser of its own for each kind of what is searched, and clients read its texts. */
public enum SearchWords {
    /** Of runs and of what has no words of its own. */
    RUNS(true, "a quoted string value"),
    EXPERIMENTS(false, "a quoted string value"),
    LOGGED_MODELS(true, "a quoted string value"),
    EVALUATION_DATA_SETS(false, "a quoted string value"),
    REGISTERED_MODELS(false, "a quoted string value or a list of quoted string values"),
    MODEL_VERSIONS(false, "a quoted string value or a list of quoted string values");

    private final boolean quotesClauses;
    private final String attributeValue;

    SearchWords(boolean quotesClauses, String attributeValue) {
        this.quotesClauses = quotesClauses;
        this.attributeValue = attributeValue;
    }

    /** @param words that are no clause, of the filter that is given whole */
    String noClause(List<String> words, String filter) {
        if (this == LOGGED_MODELS) {
            return "Invalid filter string: '" + filter + "'. Expected a list of comparisons separated by 'AND' (e.g."
                    + " 'metrics.loss > 0.1 AND params.lr = 0.01').";
        }
        return "Invalid clause(s) in filter string: "
                + words.stream()
                        .map(word -> quotesClauses ? "'" + word + "'" : word)
                        .collect(Collectors.joining(", "));
    }

    /** @param known entities by their own names */
    String noEntity(String name, Collection<String> known) {
        return this == LOGGED_MODELS
                ? "Invalid entity type: '" + name + "'. Expected one of ['attributes', 'metrics', 'params', 'tags']."
                : "Invalid entity type '" + name + "'. Valid values are "
                        + known.stream().map(one -> "'" + one + "'").toList();
    }

    String comparator(Key key, Operator operator) {
        boolean attribute = key.entity().equals(SearchGrammar.ATTRIBUTE);
        return switch (this) {
            case REGISTERED_MODELS -> "Invalid comparator for " + key.entity() + ": " + operator.symbol();
            case MODEL_VERSIONS ->
                "Invalid comparator for " + key.entity()
                        + (attribute && key.rule().right() == SearchGrammar.Right.NUMBER ? " " + key.name() : "") + ": "
                        + operator.symbol();
            case EVALUATION_DATA_SETS ->
                "Invalid comparator for "
                        + (!attribute
                                ? key.entity()
                                : (key.rule().right() == SearchGrammar.Right.NUMBER ? "numeric" : "string")
                                        + " attribute")
                        + ": " + operator.symbol();
            case RUNS, EXPERIMENTS, LOGGED_MODELS ->
                "Invalid comparator '" + operator.symbol() + "' not one of '"
                        + key.rule().operators().stream().map(Operator::symbol).toList() + "'";
        };
    }

    /** @param listKeys attributes that may be compared with a list */
    String noList(Key key, String value, List<String> listKeys) {
        if (key.entity().equals(SearchGrammar.ATTRIBUTE)) {
            return this == EVALUATION_DATA_SETS && listKeys.contains(key.name())
                    ? "List values for '" + key.name() + "' are only supported with the IN comparator."
                    : "Only "
                            + listKeys.stream()
                                    .sorted()
                                    .map(name -> "'" + name + "'")
                                    .toList()
                            + " attributes support comparison with a list of quoted string values.";
        }
        return key.rule().right() == SearchGrammar.Right.NUMBER
                ? "Expected numeric value type for metric. Found " + value
                : noText(key, value, List.of());
    }

    String noNull(Key key) {
        return this == EXPERIMENTS
                ? "IS NULL / IS NOT NULL is only supported for tags, not for attribute '" + key.name() + "'"
                : "IS NULL / IS NOT NULL is only supported for tags and params, not for '" + key.entity() + "' '"
                        + key.name() + "'";
    }

    /** @param numeric attributes that are numbers */
    String noText(Key key, String value, List<String> numeric) {
        if (!key.entity().equals(SearchGrammar.ATTRIBUTE)) {
            return "Expected a quoted string value for " + key.entity() + " (e.g. 'my-value'). Got value " + value;
        }
        return this == MODEL_VERSIONS
                ? "Only the '{" + numeric.stream().map(name -> "'" + name + "'").collect(Collectors.joining(", "))
                        + "}' attributes support comparison with numeric values."
                : "Expected " + attributeValue + " for attributes. Got value " + value;
    }

    /** @param value as it is written, with its quotes */
    String noNumber(Key key, String value) {
        if (!key.entity().equals(SearchGrammar.ATTRIBUTE)) {
            return "Expected numeric value type for metric. Found " + value;
        }
        return takesQuotedNumbers()
                ? "Invalid value for numeric attribute '" + key.name() + "': " + value
                : "Expected numeric value type for numeric attribute: " + key.name() + ". Found " + value;
    }

    /** Whether {@code '1'} is as good as {@code 1} where an attribute is a whole number. */
    boolean takesQuotedNumbers() {
        return this == MODEL_VERSIONS;
    }
}
