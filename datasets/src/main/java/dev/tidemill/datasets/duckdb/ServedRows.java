package dev.tidemill.datasets.duckdb;

import dev.tidemill.platform.children.ChildTask;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Adds rows that were served to the result of a query, by column name and in the result's own types. Callers may have sent values that
 * a column does not hold without changing them: such rows are left out, and how many is told.
 */
final class ServedRows {
    /**
     * A column of the result.
     *
     * @param raw the value as text, as the rows have it
     * @param converted the value in the column's type; null where it does not fit
     */
    private record Conversion(String name, String raw, String converted) {
        String misfit() {
            return "(" + raw + " IS NOT NULL AND " + converted + " IS NULL)";
        }
    }

    private ServedRows() {}

    /** @param file lines of JSON, each value of which is read as text */
    static void append(DuckDb db, String file, ChildTask.Report report) throws SQLException {
        List<Conversion> columns = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (DuckDb.ResultColumn column : db.describe("result")) {
            columns.add(conversion(column));
            texts.add(DuckDb.identifier(column.name()) + ": 'VARCHAR'");
        }
        db.execute("CREATE TABLE served AS SELECT * FROM read_json(" + DuckDb.literal(file)
                + ", format = 'newline_delimited', columns = {" + String.join(", ", texts) + "})");
        String misfit =
                String.join(" OR ", columns.stream().map(Conversion::misfit).toList());
        db.execute("INSERT INTO result SELECT "
                + String.join(", ", columns.stream().map(Conversion::converted).toList())
                + " FROM served WHERE NOT (" + misfit + ")");
        long all = db.count("SELECT COUNT(*) FROM served");
        long left = db.count("SELECT COUNT(*) FROM served WHERE " + misfit);
        report.log((all - left) + " rows from the journal appended");
        if (left > 0) {
            report.log(left + " rows from the journal are left out: they hold values that their columns do not: "
                    + String.join(", ", misfits(db, columns)));
        }
        db.execute("DROP TABLE served");
    }

    /** Which columns, and in how many rows. */
    private static List<String> misfits(DuckDb db, List<Conversion> columns) throws SQLException {
        List<String> found = new ArrayList<>();
        for (Conversion column : columns) {
            long rows = db.count("SELECT COUNT(*) FROM served WHERE " + column.misfit());
            if (rows > 0) {
                found.add("'" + column.name() + "' in " + rows);
            }
        }
        return found;
    }

    private static Conversion conversion(DuckDb.ResultColumn column) {
        String raw = DuckDb.identifier(column.name());
        String number = "TRY_CAST(" + raw + " AS DOUBLE)";
        String type = column.type().sql();
        String cast = "TRY_CAST(" + raw + " AS " + type + ")";
        String converted =
                switch (column.type()) {
                    // A truth beside a missing one may have been told by a number.
                    case BOOLEAN ->
                        "CASE WHEN " + number + " IN (0, 1) THEN " + number + " = 1 WHEN " + number + " IS NULL THEN "
                                + cast + " END";
                    // A cast would round a fraction.
                    case LONG -> "CASE WHEN " + number + " = floor(" + number + ") THEN " + cast + " END";
                    default -> cast;
                };
        return new Conversion(column.name(), raw, converted);
    }
}
