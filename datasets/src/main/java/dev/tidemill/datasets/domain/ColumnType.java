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

    public boolean isNumeric() {
        return this == LONG || this == DOUBLE;
    }
}
