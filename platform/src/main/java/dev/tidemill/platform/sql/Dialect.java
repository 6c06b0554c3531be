package dev.tidemill.platform.sql;

import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;

/** The few places where SQLite and PostgreSQL differ. Everything else is written once. */
public interface Dialect {
    String name();

    /** Values for the placeholders in migration scripts: {@code identity}, {@code bytes}, {@code transaction_id}, {@code clustered},
     * {@code bytewise_text}, {@code now_millis} (wall time), {@code user_of_actor} (see {@link #userOfActor}). */
    Map<String, String> migrationPlaceholders();

    /** An expression for the part of an actor before its first slash, which names the user; of it there are indexes. */
    String userOfActor();

    /** A query for how many bytes the database takes. */
    String size();

    /** A condition that hides event rows which a transaction still open could be followed by, in commit order. */
    String settledEvents();

    /** What a {@code SELECT} that claims rows for this transaction ends with. */
    String lockSkippingLocked();

    /** A query for about how many rows a table has, whose oldest rows alone are deleted; cheap, whatever their number. */
    String aboutRows(String table);

    boolean isUniqueViolation(SQLException e);

    boolean isFull(SQLException e);

    /** Whether the statement has run into its deadline. */
    boolean isOverdue(SQLException e);

    /** Whether running the same work again may succeed. */
    boolean isRetryable(SQLException e);

    /**
     * Whether the database does not serve at this time, and may again without a change to it, to its settings or to what is asked: it
     * starts, ends, only reads, has no connection or memory left, or others hold what is needed.
     */
    boolean isMomentary(SQLException e);

    /** A condition that an expression is like a pattern that {@link #likePattern} has made; case matters. */
    String like(String expression, String parameter);

    /** Turns a pattern with {@code %} and {@code _}, and no escapes, into what {@link #like} compares with. */
    String likePattern(String pattern);

    /** A condition that a regular expression, as {@link #matchPattern} writes it, is found in an expression. */
    String matches(String expression, String parameter);

    /** Writes a regular expression of RE2 as {@link #matches} takes it. */
    String matchPattern(String pattern);

    /** A condition that an expression is like a pattern with {@code %} and {@code _}, whatever the case of the letters A to Z. */
    String likeIgnoringCase(String expression, String parameter);

    /**
     * What an expression may be {@code IN}: the texts of a JSON list that one parameter holds ({@link SqlCondition#list}). A statement
     * takes some 32,000 parameters, and a list of names has no such end.
     */
    String texts(String parameter);

    /** A condition that an expression is one of the whole numbers of a JSON list that one parameter holds ({@link SqlCondition#list}). */
    String amongNumbers(String expression, String parameter);

    /** The text under a key of a JSON object that a text column holds; null where the object has no such key. */
    String jsonText(String expression, String parameter);

    /** A text that holds a JSON number as that number; null for any other text. */
    String jsonNumber(String expression);

    /**
     * The finite number under a key of a JSON object that a text holds; null where the text is no such object, has no such key, or has
     * something else there.
     *
     * @param key letters and underscores
     */
    String jsonFieldNumber(String expression, String key);

    /** An aggregate: a JSON object of all names and values. */
    String jsonObject(String name, String value);

    /** Ends a query for rows that nobody changes until the end of the unit of work, others reading them as well. */
    String lockShared();

    /** Whether the database is another process, which may keep whoever asks it waiting. */
    boolean isServer();

    /**
     * Has the database look at few orders of joins for statements of this unit of work, which have as many joins as their author has
     * clauses: the time to plan them grows with the factorial of their number.
     */
    default void boundPlanning(Handle handle) {}

    /** Whether the database keeps statistics by which it chooses well in which order to join. */
    boolean choosesJoinOrder();

    /** A statement after which a table's sequence gives numbers above all that are there; empty where it does so by itself. */
    Optional<String> sequenceBehind(String table, String column);
}
