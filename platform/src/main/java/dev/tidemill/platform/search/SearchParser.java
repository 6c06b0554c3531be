package dev.tidemill.platform.search;

import com.google.re2j.PatternSyntaxException;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison.Operand;
import dev.tidemill.platform.search.Comparison.Operator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Reads MLflow's filters: clauses joined by {@code AND}, each {@code [entity.]key operator value}. Refusals use MLflow's words.
 */
public final class SearchParser {
    private static final int LONGEST = 100_000;
    private static final int SHOWN_WORDS = 20;
    /** Each clause and each key on what users name is one table more in a statement, which the database has to plan. */
    private static final int MOST_CLAUSES = 50;

    private static final int MOST_ORDER_KEYS = 20;
    private static final int LONGEST_PATTERN = 1_000;
    private static final int MOST_WILDCARDS = 32;
    private static final String[] SYMBOLS = {"!=", "<=", ">=", "==", "<>", "=", "<", ">"};

    private final SearchGrammar grammar;
    private final String text;
    private int position;

    private SearchParser(SearchGrammar grammar, String text) {
        this.grammar = grammar;
        this.text = text;
    }

    /**
     * Parses a filter.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} saying which part is not understood, or that there are more than 50 clauses
     */
    public static List<Comparison> filter(SearchGrammar grammar, String text) {
        if (text.isBlank()) {
            return List.of();
        }
        if (text.length() > LONGEST) {
            throw invalid("The filter is longer than " + LONGEST + " characters");
        }
        return new SearchParser(grammar, text).clauses();
    }

    /**
     * Parses order keys such as {@code metrics.loss DESC}.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a key that orders nothing, one that comes twice, or more than 20 of them
     */
    public static List<Ordering> order(SearchGrammar grammar, List<String> keys) {
        requireFewKeys(keys.size());
        var orderings = new ArrayList<Ordering>();
        var seen = new HashSet<String>();
        for (String key : keys) {
            if (key.isBlank()) {
                throw invalid("Invalid order_by clause '" + key + "'. Could not be parsed.");
            }
            var parser = new SearchParser(grammar, key.strip());
            String identifier = parser.identifier();
            String direction = parser.rest().toUpperCase(Locale.ROOT);
            if (identifier.indexOf(',') >= 0 && !identifier.endsWith("`") && !identifier.endsWith("\"")) {
                throw invalid("Invalid order_by clause '" + key + "'. Could not be parsed.");
            }
            if (!direction.isEmpty() && !direction.equals("ASC") && !direction.equals("DESC")) {
                throw invalid(
                        direction.matches("[A-Z]+")
                                ? "Invalid ordering key in order_by clause '" + key + "'."
                                : "Invalid order_by clause '" + key + "'. Could not be parsed.");
            }
            grammar.requireOrderKey(identifier);
            SearchGrammar.Key resolved = grammar.resolve(identifier);
            grammar.requireOrder(resolved);
            orderings.add(new Ordering(resolved.entity(), resolved.name(), !direction.equals("DESC")));
            if (!seen.add(resolved.entity() + "." + resolved.name())) {
                throw invalid("`order_by` contains duplicate fields: "
                        + keys.stream().map(one -> "'" + one + "'").toList());
            }
        }
        return orderings;
    }

    /** @throws TidemillException {@code INVALID_ARGUMENT} for more keys than an order may have */
    public static void requireFewKeys(int keys) {
        if (keys > MOST_ORDER_KEYS) {
            throw TidemillException.invalid(
                    "order_by", "An order has at most " + MOST_ORDER_KEYS + " keys; this one has " + keys);
        }
    }

    private static TidemillException invalid(String message) {
        return TidemillException.invalid("filter", message);
    }

    private List<Comparison> clauses() {
        var clauses = new ArrayList<Comparison>();
        while (true) {
            if (clauses.size() == MOST_CLAUSES) {
                throw invalid("A filter has at most " + MOST_CLAUSES + " clauses; this one has more");
            }
            clauses.add(clause());
            skipSpace();
            if (position == text.length()) {
                return clauses;
            }
            if (!keyword("AND")) {
                if (text.charAt(position) == ';' && position < text.length() - 1) {
                    throw invalid("Search filter contained multiple expression '" + shown()
                            + "'. Provide AND-ed expression list.");
                }
                throw invalid(grammar.words().noClause(List.of(word()), shown()));
            }
        }
    }

    private String shown() {
        return text.length() <= 200 ? text : text.substring(0, 200) + "...";
    }

    private Comparison clause() {
        skipSpace();
        if (position == text.length()) {
            throw invalid("Invalid comparison clause. Expected 3 tokens found 0");
        }
        int start = position;
        String identifier = identifier();
        Operator operator = operator().orElseThrow(() -> noClause(start));
        SearchGrammar.Key key = grammar.resolve(identifier);
        boolean taken = key.rule().operators().contains(operator);
        if (!taken && grammar.words().takesQuotedNumbers()) {
            throw refused(key, operator, text.substring(position).strip());
        }
        skipSpace();
        int value = position;
        Operand operand = operand(key, operator, start);
        if (!taken) {
            throw refused(key, operator, text.substring(value, position));
        }
        if (operand instanceof Comparison.Text pattern) {
            switch (operator) {
                case RLIKE -> requirePattern(pattern.value());
                case LIKE, ILIKE -> requireShort(operator, pattern.value());
                default -> {}
            }
        }
        return new Comparison(key.entity(), key.name(), operator, operand);
    }

    private TidemillException refused(SearchGrammar.Key key, Operator operator, String value) {
        SearchWords words = grammar.words();
        return invalid(
                switch (operator) {
                    case IN, NOT_IN -> words.noList(key, value, grammar.listKeys());
                    case IS_NULL, IS_NOT_NULL -> words.noNull(key);
                    default -> words.comparator(key, operator);
                });
    }

    /** What stands from a position on is no clause: its words are shown. */
    private TidemillException noClause(int start) {
        String rest = text.substring(start).strip();
        return invalid(grammar.words()
                .noClause(
                        rest.startsWith("(") && rest.endsWith(")")
                                ? List.of(rest)
                                : Arrays.stream(rest.split("\\s+"))
                                        .filter(word -> !word.equalsIgnoreCase("AND"))
                                        .limit(SHOWN_WORDS)
                                        .toList(),
                        shown()));
    }

    private void skipSpace() {
        while (position < text.length() && Character.isWhitespace(text.charAt(position))) {
            position++;
        }
    }

    /** Up to white space or an operator, quoted parts whole. */
    private String identifier() {
        skipSpace();
        int start = position;
        while (position < text.length()) {
            char c = text.charAt(position);
            if (c == '`' || c == '"') {
                int end = text.indexOf(c, position + 1);
                if (end < 0) {
                    throw invalid("Invalid clause(s) in filter string: a quote is not closed in '" + shown() + "'");
                }
                position = end + 1;
            } else if (Character.isWhitespace(c) || "=!<>();'".indexOf(c) >= 0) {
                break;
            } else {
                position++;
            }
        }
        if (start == position) {
            throw noClause(start);
        }
        return text.substring(start, position);
    }

    private String rest() {
        return text.substring(position).strip();
    }

    private String word() {
        int end = position;
        while (end < text.length() && !Character.isWhitespace(text.charAt(end))) {
            end++;
        }
        return text.substring(position, end);
    }

    private boolean keyword(String keyword) {
        skipSpace();
        int end = position + keyword.length();
        if (text.regionMatches(true, position, keyword, 0, keyword.length())
                && (end == text.length() || !Character.isLetterOrDigit(text.charAt(end)))) {
            position = end;
            return true;
        }
        return false;
    }

    private Optional<Operator> operator() {
        skipSpace();
        for (String symbol : SYMBOLS) {
            if (text.startsWith(symbol, position)) {
                position += symbol.length();
                for (Operator operator : Operator.values()) {
                    if (operator.symbol().equals(symbol)) {
                        return Optional.of(operator);
                    }
                }
                throw invalid("Invalid comparator '" + symbol + "' not one of "
                        + List.of("=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "IN", "NOT IN"));
            }
        }
        if (keyword("IS")) {
            boolean not = keyword("NOT");
            return keyword("NULL") ? Optional.of(not ? Operator.IS_NOT_NULL : Operator.IS_NULL) : Optional.empty();
        }
        if (keyword("LIKE")) {
            return Optional.of(Operator.LIKE);
        }
        if (keyword("ILIKE")) {
            return Optional.of(Operator.ILIKE);
        }
        if (keyword("RLIKE")) {
            return Optional.of(Operator.RLIKE);
        }
        if (keyword("IN")) {
            return Optional.of(Operator.IN);
        }
        if (keyword("NOT") && keyword("IN")) {
            return Optional.of(Operator.NOT_IN);
        }
        return Optional.empty();
    }

    private Operand operand(SearchGrammar.Key key, Operator operator, int start) {
        if (operator == Operator.IS_NULL || operator == Operator.IS_NOT_NULL) {
            return new Comparison.Nothing();
        }
        skipSpace();
        if (position == text.length()) {
            throw noClause(start);
        }
        if (operator == Operator.IN || operator == Operator.NOT_IN) {
            return list();
        }
        char first = text.charAt(position);
        if (first == '\'' || first == '"') {
            String value = quoted();
            if (key.rule().right() == SearchGrammar.Right.NUMBER) {
                if (grammar.words().takesQuotedNumbers() && value.strip().matches("[+-]?\\d{1,15}")) {
                    return new Comparison.Number(Double.parseDouble(value.strip()));
                }
                throw invalid(grammar.words().noNumber(key, "'" + value + "'"));
            }
            return new Comparison.Text(value);
        }
        String word = literal();
        if (key.rule().right() == SearchGrammar.Right.TEXT) {
            throw invalid(
                    word.matches("[-+.\\d].*")
                            ? grammar.words().noText(key, word, grammar.numericKeys())
                            : "Parameter value is either not quoted or unidentified quote types used for string value "
                                    + word + ". Use either single or double quotes.");
        }
        try {
            double value = Double.parseDouble(word);
            if (!Double.isNaN(value) && word.matches("[-+.\\deE]+")) {
                return new Comparison.Number(value);
            }
        } catch (NumberFormatException e) {
            // refused below, with the value
        }
        throw invalid("Expected numeric value type for metric. Found " + word);
    }

    private static void requirePattern(String pattern) {
        try {
            RegularExpressions.compile(pattern);
        } catch (PatternSyntaxException e) {
            String shown = pattern.length() <= 200 ? pattern : pattern.substring(0, 200) + "...";
            throw invalid("'" + shown + "' is not a regular expression that RLIKE takes: " + e.getDescription());
        }
    }

    /** The time that a database takes for a text grows with the characters of a pattern, and with its wildcards. */
    private static void requireShort(Operator operator, String pattern) {
        if (pattern.length() > LONGEST_PATTERN) {
            throw invalid("A pattern of " + operator.symbol() + " has at most " + LONGEST_PATTERN
                    + " characters; this one has " + pattern.length() + ". Compare with a shorter part of the text");
        }
        long wildcards = pattern.chars().filter(c -> c == '%' || c == '_').count();
        if (wildcards > MOST_WILDCARDS) {
            throw invalid("A pattern of " + operator.symbol() + " has at most " + MOST_WILDCARDS
                    + " wildcards (% and _); this one has " + wildcards
                    + ". Write fewer of them, or RLIKE where it is taken");
        }
    }

    private String literal() {
        int start = position;
        while (position < text.length()
                && !Character.isWhitespace(text.charAt(position))
                && text.charAt(position) != ';') {
            position++;
        }
        return text.substring(start, position);
    }

    private String quoted() {
        char quote = text.charAt(position);
        int end = text.indexOf(quote, position + 1);
        // A doubled quote does not end the text; it stays doubled, as MLflow keeps it.
        while (end >= 0 && end + 1 < text.length() && text.charAt(end + 1) == quote) {
            end = text.indexOf(quote, end + 2);
        }
        if (end < 0) {
            throw invalid("Invalid clause(s) in filter string: a quote is not closed in '" + shown() + "'");
        }
        String value = text.substring(position + 1, end);
        position = end + 1;
        return value;
    }

    private Operand list() {
        int start = position;
        if (text.charAt(position) != '(') {
            throw noList("got ill-formed list.");
        }
        position++;
        skipSpace();
        if (position < text.length() && text.charAt(position) == ')') {
            throw noList("got empty list");
        }
        var values = new ArrayList<String>();
        while (true) {
            skipSpace();
            values.add(element(start));
            skipSpace();
            char next = position == text.length() ? '(' : text.charAt(position++);
            if (next == ',') {
                skipSpace();
                next = position < text.length() && text.charAt(position) == ')' ? text.charAt(position++) : ',';
            }
            if (next == ')') {
                return new Comparison.Texts(values);
            }
            if (next != ',') {
                throw noList("got ill-formed list.");
            }
        }
    }

    private String element(int start) {
        if (position < text.length() && (text.charAt(position) == '\'' || text.charAt(position) == '"')) {
            return quoted();
        }
        int end = text.indexOf(')', position);
        if (end >= 0 && text.substring(position, end).matches("\\s*[-+.\\d].*")) {
            throw invalid(
                    "While parsing a list in the query, expected string value, punctuation, or whitespace, but got"
                            + " different type in list: " + text.substring(start, end + 1));
        }
        throw noList("got ill-formed list.");
    }

    private static TidemillException noList(String what) {
        return invalid("While parsing a list in the query, expected a non-empty list of string values, but " + what);
    }
}
