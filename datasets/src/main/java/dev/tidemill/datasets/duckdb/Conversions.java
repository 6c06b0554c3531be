package dev.tidemill.datasets.duckdb;

import dev.tidemill.datasets.domain.ColumnType;
import java.util.Locale;

/**
 * Conversion of texts to the types of columns that changes no value: DuckDB's own casts round a fraction to a whole number,
 * make infinity of a number that a double cannot hold, cut what is finer than a microsecond and leave a
 * time's offset out.
 */
final class Conversions {
    private static final String WHOLE = "\\s*[+-]?[0-9]+(\\.0*)?\\s*";
    /** As many decimals at most as the exponent moves; how many there are is counted without the zeros at their end. */
    private static final String SCIENTIFIC = "\\s*[+-]?[0-9](\\.[0-9]+)?[eE]\\+?[0-9]{1,2}\\s*";

    private static final String INFINITY = "\\s*[+-]?inf(inity)?\\s*";
    /** DuckDB has words for some moments, such as that from which they are counted. */
    private static final String MOMENT = "\\s*[+-]?[0-9].*";

    private static final String FINER_THAN_MICROSECONDS = "\\.[0-9]{6}[0-9]*[1-9]";

    private Conversions() {}

    /**
     * SQL that is true where a text is no value of the type, never null.
     *
     * @param text SQL of a text, which may be null: then it is a missing value and right
     */
    static String wrong(String text, ColumnType type) {
        String cast = cast("TRY_CAST", text, type);
        String wrong =
                switch (type) {
                    case TEXT -> "false";
                    case BOOLEAN -> cast + " IS NULL";
                    case LONG -> cast + " IS NULL OR NOT (" + matches(text, WHOLE) + " OR " + scientific(text) + ")";
                    case DOUBLE ->
                        cast + " IS NULL OR (isinf(" + cast + ") AND NOT regexp_full_match(" + text + ", '" + INFINITY
                                + "', 'i'))";
                    case TIMESTAMP ->
                        cast + " IS NULL OR NOT isfinite(" + cast + ") OR NOT " + matches(text, MOMENT)
                                + " OR regexp_matches(" + text + ", '" + FINER_THAN_MICROSECONDS + "')";
                };
        return "COALESCE(" + text + " IS NOT NULL AND (" + wrong + "), false)";
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
        return cast("CAST", text, type);
    }

    private static String cast(String function, String text, ColumnType type) {
        // The engine leaves out a time's offset unless it is asked for a type that knows offsets.
        return type == ColumnType.TIMESTAMP
                ? "CAST(" + function + "(" + text + " AS TIMESTAMP WITH TIME ZONE) AS TIMESTAMP)"
                : function + "(" + text + " AS " + type.sql() + ")";
    }

    /** Why a value is none of the type, to follow the value and its column in a sentence. */
    static String problem(ColumnType type) {
        String problem = "is not of type " + type.name().toLowerCase(Locale.ROOT);
        return switch (type) {
            case LONG -> problem + ", which holds whole numbers of 64 bits";
            case DOUBLE -> problem + ", which holds numbers up to 1.8e308";
            case BOOLEAN -> problem + "; its words are true, t, yes, y, 1 and false, f, no, n, 0";
            case TIMESTAMP -> problem + ", which holds moments to the microsecond, as 2026-01-31T09:30:00.123456Z";
            case TEXT -> problem;
        };
    }

    /** SQL of a text's value in the type, which fails with {@link #problem} where it is none. */
    static String strict(String text, String column, ColumnType type) {
        return "CASE WHEN " + wrong(text, type) + " THEN error(" + DuckDb.literal("'") + " || " + text + " || "
                + DuckDb.literal("' in column '" + column + "' " + problem(type)) + ") ELSE " + cast(text, type)
                + " END";
    }
}
