package dev.tidemill.platform.sql;

import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.search.Portion;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.StatementContext;

/**
 * How much memory rows with texts of any length will take, asked of the database before they are read: pages end where their
 * rows would take too much, and what is read counts to the request that asked for it.
 */
public final class RowBytes {
    /** Where a page ends at the latest, in bytes, though it may be a single row that is larger. */
    public static final long MOST_OF_PAGE = 16_000_000;

    /** About what a row, or an entry of a map, takes besides its long texts. */
    public static final long OF_ENTRY = 150;

    /** Texts whose characters all are at most this one take a byte for each. */
    private static final char LATIN = 0xFF;

    private RowBytes() {}

    /** An SQL expression for what a row with these columns takes; cheap, since no database reads a text to know its length. */
    public static String of(String... columns) {
        var sum = new StringBuilder("(" + OF_ENTRY);
        for (String column : columns) {
            sum.append(" + COALESCE(octet_length(").append(column).append("), 0)");
        }
        return sum.append(")").toString();
    }

    /**
     * An SQL expression for what the rows of another table take that belong to a row.
     *
     * @param from that table with its alias, and the condition by which its rows belong
     */
    public static String sum(String from, String... columns) {
        return "COALESCE((SELECT SUM(" + of(columns) + ") FROM " + from + "), 0)";
    }

    /**
     * SQL that weighs what a search finds, in its order.
     *
     * @param key columns by which a row is known, of the search as {@code x}
     * @param bytes expression of what such a row takes, of the search as {@code x}
     */
    public static String weighing(String key, String bytes, String search) {
        return "SELECT " + key + ", " + bytes + " AS bytes FROM (" + search + ") x";
    }

    /**
     * Rows that fit into memory together, in their order; one at least, where there is one.
     *
     * @param keys by which the rows are known
     * @param bytes of these rows together
     * @param more whether others follow
     */
    public record Fitting<K>(List<K> keys, long bytes, boolean more) {
        private static <K> Fitting<K> of(Query weighing, RowMapper<K> key, int most, long mostBytes) {
            var keys = new ArrayList<K>();
            long bytes = 0;
            try (var rows = weighing.map(new Weighing<>(key)).iterator()) {
                while (rows.hasNext()) {
                    Weighed<K> row = rows.next();
                    if (keys.size() == most || (!keys.isEmpty() && bytes + row.bytes() > mostBytes)) {
                        return new Fitting<>(keys, bytes, true);
                    }
                    keys.add(row.key());
                    bytes += row.bytes();
                }
            }
            return new Fitting<>(keys, bytes, false);
        }
    }

    private record Weighed<K>(K key, long bytes) {}

    private record Weighing<K>(RowMapper<K> key) implements RowMapper<Weighed<K>> {
        @Override
        public Weighed<K> map(ResultSet row, StatementContext context) throws SQLException {
            return new Weighed<>(key.map(row, context), row.getLong("bytes"));
        }
    }

    /**
     * Reads as many rows as fit on a page, counted to the request that asks for them before they are read.
     *
     * @param most rows that are asked for
     * @param weighing see {@link #weighing}; its search gives one row more than asked for, which tells whether others follow
     * @param read gives the rows in the order of their keys
     */
    public static <K, R> Portion<R> page(
            Database database,
            int most,
            Function<Handle, Query> weighing,
            RowMapper<K> key,
            BiFunction<Handle, Fitting<K>, List<R>> read) {
        return read(
                database,
                database.reading(handle -> Fitting.of(weighing.apply(handle), key, most, mostOfPage())),
                read);
    }

    /** How many rows a database looks at to find those of a page. */
    public enum Reach {
        /** About as many as the page has: an index gives them in their order. */
        PAGE,
        /** Any number: no index serves the caller's clauses, or the order that they ask for. */
        ANY;

        /** @param indexed whether an index gives the rows that are wanted, and few others, in the order that is wanted */
        public static Reach of(boolean indexed) {
            return indexed ? PAGE : ANY;
        }
    }

    /** As {@link #page}, whatever the search reaches; one that may look at any number of rows takes its turn ({@link Database#searching}). */
    public static <K, R> Portion<R> searchedPage(
            Database database,
            Reach reach,
            int most,
            Function<Handle, Query> weighing,
            RowMapper<K> key,
            BiFunction<Handle, Fitting<K>, List<R>> read) {
        Function<Handle, Fitting<K>> weigh = handle -> Fitting.of(weighing.apply(handle), key, most, mostOfPage());
        return read(database, reach == Reach.PAGE ? database.reading(weigh) : database.searching(weigh), read);
    }

    /**
     * As {@link #page}, for who reads one page after the other and keeps none. Nothing is counted: the request would pay for all of
     * them together.
     */
    public static <K, R> Portion<R> passingPage(
            Database database,
            int most,
            Function<Handle, Query> weighing,
            RowMapper<K> key,
            BiFunction<Handle, Fitting<K>, List<R>> read) {
        Fitting<K> fitting = database.reading(handle -> Fitting.of(weighing.apply(handle), key, most, mostOfPage()));
        return fitting.keys().isEmpty()
                ? new Portion<>(List.of(), false)
                : new Portion<>(database.reading(handle -> read.apply(handle, fitting)), fitting.more());
    }

    /** Pages are shorter where there is little memory, so that several callers have theirs at a time. */
    private static long mostOfPage() {
        return Math.min(MOST_OF_PAGE, RequestMemory.share());
    }

    /** As {@link #page} of all rows, however much they hold. */
    public static <K, R> List<R> all(
            Database database,
            Function<Handle, Query> weighing,
            RowMapper<K> key,
            BiFunction<Handle, Fitting<K>, List<R>> read) {
        return read(
                        database,
                        database.reading(
                                handle -> Fitting.of(weighing.apply(handle), key, Integer.MAX_VALUE, Long.MAX_VALUE)),
                        read)
                .items();
    }

    private static <K, R> Portion<R> read(
            Database database, Fitting<K> fitting, BiFunction<Handle, Fitting<K>, List<R>> read) {
        if (fitting.keys().isEmpty()) {
            return new Portion<>(List.of(), false);
        }
        take(fitting.bytes());
        return new Portion<>(database.reading(handle -> read.apply(handle, fitting)), fitting.more());
    }

    /**
     * Reads rows of any number a group at a time, each of which fits on a page or is a single row. The largest group is counted
     * to the request now; so who uses a row keeps no earlier one.
     *
     * @param order of the rows by their keys
     */
    public static <K, R> Stream<R> inGroups(
            Database database,
            Function<Handle, Query> weighing,
            RowMapper<K> key,
            Comparator<K> order,
            BiFunction<Handle, Fitting<K>, List<R>> read) {
        var groups = database.reading(handle -> groups(weighing.apply(handle).map(new Weighing<>(key)).stream()
                .sorted(Comparator.comparing(Weighed::key, order))
                .toList()));
        take(groups.stream().mapToLong(Fitting::bytes).max().orElse(0));
        return groups.stream().flatMap(group -> database.reading(handle -> read.apply(handle, group)).stream());
    }

    private static <K> List<Fitting<K>> groups(List<Weighed<K>> rows) {
        var groups = new ArrayList<Fitting<K>>();
        var keys = new ArrayList<K>();
        long bytes = 0;
        for (Weighed<K> row : rows) {
            if (!keys.isEmpty() && bytes + row.bytes() > MOST_OF_PAGE) {
                groups.add(new Fitting<>(List.copyOf(keys), bytes, true));
                keys.clear();
                bytes = 0;
            }
            keys.add(row.key());
            bytes += row.bytes();
        }
        if (!keys.isEmpty()) {
            groups.add(new Fitting<>(List.copyOf(keys), bytes, false));
        }
        return groups;
    }

    /** Rows in the order of their keys; those that have gone since the keys were read are left out. */
    public static <K, R> List<R> inOrder(List<K> keys, List<R> rows, Function<R, K> key) {
        var byKey = new HashMap<K, R>();
        rows.forEach(row -> byKey.put(key.apply(row), row));
        return keys.stream().map(byKey::get).filter(Objects::nonNull).toList();
    }

    /** What a text takes beyond its length in UTF-8 at most: the characters of some take two bytes each. */
    public static long beyond(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) > LATIN) {
                return text.length();
            }
        }
        return 0;
    }

    /**
     * Counts what is about to be read to the request that asks for it. Within a unit of work it does not wait for memory, since
     * others wait for the unit's connection; so weigh in one unit, take, and read in another.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code TOO_LARGE} or {@code UNAVAILABLE}; see
     *     {@link RequestMemory#take}
     */
    public static void take(long bytes) {
        if (Session.current().isPresent()) {
            RequestMemory.takeNow(bytes);
        } else {
            RequestMemory.take(bytes);
        }
    }
}
