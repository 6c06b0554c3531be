package dev.tidemill.datasets.duckdb;

import dev.tidemill.datasets.domain.ColumnType;
import java.util.Locale;

/**
 * Conversion of texts to the types of columns that changes no value: DuckDB's own casts round a fraction to a whole number,
 * make infinity of a number that a double cannot hold, leave underscores out of a number, cut what is finer than a microsecond,
 * leave a time's offset out, and take any moment for a time that the clocks of a zone never show or show twice. What is no number
 * (NaN, with or without a sign or digits of its own) is a missing value.
 */
final class Conversions {
    private static final String WHOLE = "\\s*[+-]?[0-9]+(\\.0*)?\\s*";
    /** As many decimals at most as the exponent moves; how many there are is counted without the zeros at their end. */
    private static final String SCIENTIFIC = "\\s*[+-]?[0-9](\\.[0-9]+)?[eE]\\+?[0-9]{1,2}\\s*";

    private static final String INFINITY = "\\s*[+-]?inf(inity)?\\s*";
    /** DuckDB has words for some moments, such as that from which they are counted. */
    private static final String MOMENT = "\\s*[+-]?[0-9].*";

    private static final String FINER_THAN_MICROSECONDS = "\\.[0-9]{6}[0-9]*[1-9]";

    /** The name of a zone at the end of a time. */
    private static final String ZONE = "'\\s+([A-Za-z][A-Za-z0-9_/+-]*)\\s*$'";
    /** What is earlier has an era or a sign, and would be shown without it, as another year. */
    private static final String EARLIEST = "TIMESTAMP '0001-01-01'";

    private Conversions() {}

    /**
     * SQL that is true where a text is no value of the type, never null.
     *
     * @param text SQL of a text, which may be null: then it is a missing value and right
     */
    static String wrong(String text, ColumnType type) {
        return "(" + why(text, type) + ") IS NOT NULL";
    }

    /** SQL of why a text is no value of the type, to follow the text and its column in a sentence; null where it is one. */
    static String why(String text, ColumnType type) {
        return why(text, type, false);
    }

    private static String why(String text, ColumnType type, boolean cut) {
        String cast = read("TRY_CAST", text, type);
        String wrong =
                switch (type) {
                    case TEXT -> "false";
                    case BOOLEAN -> cast + " IS NULL";
                    case LONG -> cast + " IS NULL OR NOT (" + matches(text, WHOLE) + " OR " + scientific(text) + ")";
                    case DOUBLE ->
                        cast + " IS NULL OR (contains(" + text + ", '_') AND NOT isnan(" + cast + ")) OR (isinf(" + cast
                                + ") AND NOT regexp_full_match(" + text + ", '" + INFINITY + "', 'i'))";
                    case TIMESTAMP ->
                        cast + " IS NULL OR NOT isfinite(" + cast + ") OR NOT " + matches(text, MOMENT)
                                + (cut ? "" : " OR regexp_matches(" + text + ", '" + FINER_THAN_MICROSECONDS + "')");
                };
        return "CASE WHEN " + text + " IS NULL THEN NULL WHEN " + wrong + " THEN " + DuckDb.literal(problem(type))
                + (type == ColumnType.TIMESTAMP ? unclear(text, cast) : "") + " END";
    }

    /** Branches for a time that is written well and is still not one moment. Each expects that those before it were not taken. */
    private static String unclear(String text, String cast) {
        String zone = "regexp_extract(" + text + ", " + ZONE + ", 1)";
        String shown = "TRY_CAST(regexp_replace(" + text + ", " + ZONE + ", '') AS TIMESTAMP)";
        // Clocks change once in four days at most: the offsets before and after give the moments that may be meant.
        String early = "(" + shown + " - " + offset(zone, cast + " - INTERVAL 2 DAY") + ")";
        String late = "(" + shown + " - " + offset(zone, cast + " + INTERVAL 2 DAY") + ")";
        String isEarly = clock(zone, early) + " = " + shown;
        String isLate = clock(zone, late) + " = " + shown;
        return " WHEN " + cast + " < " + EARLIEST + " THEN 'is before the year 1, the first that a timestamp has'"
                + " WHEN " + zone + " = '' THEN NULL WHEN NOT (" + isEarly + ") AND NOT (" + isLate
                + ") THEN 'is skipped by the clocks of its zone, which are put forward there; give the time in UTC or with its offset'"
                + " WHEN " + early + " <> " + late + " AND " + isEarly + " AND " + isLate
                + " THEN 'is shown twice by the clocks of its zone, which are put back there; give the time in UTC or with its offset'";
    }

    /** What a zone's clocks show at a moment in UTC. */
    private static String clock(String zone, String moment) {
        return "timezone(" + zone + ", CAST(" + moment + " AS TIMESTAMP WITH TIME ZONE))";
    }

    private static String offset(String zone, String moment) {
        return "(" + clock(zone, moment) + " - (" + moment + "))";
    }

    private static String scientific(String text) {
        return "(" + matches(text, SCIENTIFIC) + " AND len(regexp_extract(" + text
                + ", '\\.([0-9]*?)0*[eE]', 1)) <= TRY_CAST(regexp_extract(" + text
                + ", '[eE]\\+?([0-9]+)', 1) AS INTEGER))";
    }

    private static String matches(String text, String pattern) {
        return "regexp_full_match(" + text + ", '" + pattern + "')";
    }

    /** SQL of a text's value in the type, for texts that are not {@link #wrong}. */
    static String cast(String text, ColumnType type) {
        String value = read("CAST", text, type);
        return type == ColumnType.DOUBLE ? "NULLIF(" + value + ", CAST('nan' AS DOUBLE))" : value;
    }

    private static String read(String function, String text, ColumnType type) {
        // The engine leaves out a time's offset unless it is asked for a type that knows offsets.
        return type == ColumnType.TIMESTAMP
                ? "CAST(" + function + "(" + text + " AS TIMESTAMP WITH TIME ZONE) AS TIMESTAMP)"
                : function + "(" + text + " AS " + type.sql() + ")";
    }

    /** Why a value is none of the type, to follow the value and its column in a sentence. */
    private static String problem(ColumnType type) {
        String problem = "is not of type " + type.name().toLowerCase(Locale.ROOT);
        return switch (type) {
            case LONG -> problem + ", which holds whole numbers of 64 bits";
            case DOUBLE -> problem + ", which holds numbers up to 1.8e308";
            case BOOLEAN -> problem + "; its words are true, t, yes, y, 1 and false, f, no, n, 0";
            case TIMESTAMP -> problem + ", which holds moments to the microsecond, as 2026-01-31T09:30:00.123456Z";
            case TEXT -> problem;
        };
    }

    /** SQL of a text's value in the type, which fails with {@link #why} where it is none. */
    static String strict(String text, String column, ColumnType type) {
        return strict(text, column, type, false);
    }

    /** The same, but that what is finer of a time than a microsecond is cut. */
    static String strictButCut(String text, String column, ColumnType type) {
        return strict(text, column, type, true);
    }

    private static String strict(String text, String column, ColumnType type, boolean cut) {
        String why = why(text, type, cut);
        return "CASE WHEN (" + why + ") IS NOT NULL THEN error(" + DuckDb.literal("'") + " || " + text + " || "
                + DuckDb.literal("' in column '" + column + "' ") + " || (" + why + ")) ELSE " + cast(text, type)
                + " END";
    }
}
