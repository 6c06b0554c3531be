package dev.tidemill.datasets.domain;

/** What a column holds. */
public enum ColumnType {
    TEXT("VARCHAR"),
    LONG("BIGINT"),
    DOUBLE("DOUBLE"),
    BOOLEAN("BOOLEAN"),
    /** A moment in UTC, to the microsecond. */
    TIMESTAMP("TIMESTAMP");

    private final String sql;

    ColumnType(String sql) {
        this.sql = sql;
    }

    /** The type's name in DuckDB's SQL. */
    public String sql() {
        return sql;
    }

    /** Whether a text is one value of this type, as a list of allowed values writes it; of moments there are none. */
    boolean hasValue(String text) {
        return switch (this) {
            case TEXT -> true;
            case LONG -> text.matches("[+-]?\\d{1,19}") && isLong(text);
            case DOUBLE -> text.matches("[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d{1,3})?");
            case BOOLEAN -> text.equals("true") || text.equals("false");
            case TIMESTAMP -> false;
        };
    }

    private static boolean isLong(String text) {
        try {
            Long.parseLong(text);
            return true;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    public boolean isNumeric() {
        return this == LONG || this == DOUBLE;
    }
}
