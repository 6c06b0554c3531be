package dev.tidemill.datasets.duckdb;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.json.Json;
import java.sql.SQLException;

/** Facts about each column, for people and for the data page. */
final class Summaries {
    private Summaries() {}

    static ObjectNode of(DuckDb db, String relation) throws SQLException {
        ObjectNode summary = Json.object();
        for (DuckDb.ResultColumn column : db.describe(relation)) {
            String id = DuckDb.identifier(column.name());
            String mean = column.type().isNumeric() ? "AVG(" + id + ")" : "NULL";
            ObjectNode facts = db.rows("SELECT MIN(" + id + ") AS least, MAX(" + id + ") AS most, " + mean
                            + " AS mean, COUNT(*) - COUNT(" + id + ") AS missing, COUNT(DISTINCT " + id
                            + ") AS distinct_values FROM " + relation)
                    .getFirst();
            summary.set(column.name(), facts);
        }
        return summary;
    }
}
