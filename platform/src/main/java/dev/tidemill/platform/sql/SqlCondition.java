package dev.tidemill.platform.sql;

import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Comparison.Operator;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jdbi.v3.core.statement.SqlStatement;

/** SQL that grows clause by clause; values are bound, never written into the text, but for a few numbers. Not thread-safe. */
public final class SqlCondition {
    /** How many characters of a long text an index holds. */
    private static final int INDEXED = 100;

    /** Numbers that are written into a statement at most. */
    private static final int WRITTEN = 50;

    private final Dialect dialect;
    private final StringBuilder where = new StringBuilder();
    private final Map<String, Object> values = new LinkedHashMap<>();

    public SqlCondition(Dialect dialect) {
        this.dialect = dialect;
    }

    /** Binds a value and gives the name by which the text refers to it. */
    public String bind(Object value) {
        String name = "v" + values.size();
        values.put(name, value);
        return ":" + name;
    }

    public SqlCondition and(String clause) {
        where.append(where.isEmpty() ? " WHERE " : " AND ").append(clause);
        return this;
    }

    /** Texts or numbers of any count as the one value that {@link Dialect#texts} or {@link Dialect#amongNumbers} takes. */
    public static String list(Collection<?> values) {
        return Json.write(Json.objectMapper().valueToTree(values));
    }

    /**
     * That an expression is one of some numbers. A few are written as they are: they can hold nothing but digits, and with one number
     * alone an index gives the rows in order. More of them are bound as one value.
     */
    public String among(String expression, Collection<Long> numbers) {
        if (numbers.isEmpty()) {
            return "FALSE";
        }
        return isFew(numbers)
                ? expression + " IN " + numbers.stream().map(String::valueOf).collect(Collectors.joining(",", "(", ")"))
                : dialect.amongNumbers(expression, bind(list(numbers)));
    }

    /** Whether numbers are so few that they are written into a statement. */
    public static boolean isFew(Collection<Long> numbers) {
        return numbers.size() <= WRITTEN;
    }

    /** An expression compared as a clause of a filter says; what is missing never matches. */
    public String compare(String expression, Operator operator, Comparison.Operand operand) {
        return switch (operand) {
            case Comparison.Nothing() -> expression + " " + operator.symbol();
            case Comparison.Number(double value) -> expression + " " + operator.symbol() + " " + bind(value);
            case Comparison.Texts(List<String> texts) -> {
                String list = texts.stream().map(this::bind).collect(Collectors.joining(",", "(", ")"));
                yield expression + " " + operator.symbol() + " " + list;
            }
            case Comparison.Text(String text) ->
                switch (operator) {
                    case LIKE -> dialect.like(expression, bind(dialect.likePattern(text)));
                    case RLIKE -> dialect.matches(expression, bind(dialect.matchPattern(text)));
                    case ILIKE -> likeIgnoringCase(expression, text);
                    default -> expression + " " + operator.symbol() + " " + bind(text);
                };
        };
    }

    /** Databases know by themselves only the cases of the letters A to Z in the same way. */
    private String likeIgnoringCase(String expression, String pattern) {
        return pattern.chars().allMatch(c -> c < 128)
                ? dialect.likeIgnoringCase(expression, bind(pattern))
                : dialect.matches(expression, bind(dialect.matchPattern(CaseFolding.expression(pattern))));
    }

    /** As {@link #compare}, for a long text that is indexed by its first 100 characters. */
    public String compareIndexed(String expression, Operator operator, Comparison.Operand operand) {
        if (operator == Operator.EQUAL && operand instanceof Comparison.Text(String text)) {
            // A shorter beginning is the whole text, so that the index alone answers.
            if (text.codePointCount(0, text.length()) < INDEXED) {
                return "substr(" + expression + ", 1, " + INDEXED + ") = " + bind(text);
            }
            String start = text.substring(0, text.offsetByCodePoints(0, INDEXED));
            return "substr(" + expression + ", 1, " + INDEXED + ") = " + bind(start) + " AND "
                    + compare(expression, operator, operand);
        }
        return compare(expression, operator, operand);
    }

    public <S extends SqlStatement<S>> S bindAll(S statement) {
        values.forEach(statement::bind);
        return statement;
    }

    @Override
    public String toString() {
        return where.toString();
    }
}
