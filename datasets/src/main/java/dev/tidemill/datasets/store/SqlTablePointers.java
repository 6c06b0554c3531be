package dev.tidemill.datasets.store;

import dev.tidemill.datasets.domain.TablePointers;
import dev.tidemill.platform.sql.Database;
import java.util.List;
import java.util.Optional;

/** Table pointers in the database. */
public final class SqlTablePointers implements TablePointers {
    private final Database database;

    public SqlTablePointers(Database database) {
        this.database = database;
    }

    @Override
    public Optional<String> find(String project, String table) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT metadata FROM iceberg_table WHERE project = :project AND name = :table")
                .bind("project", project)
                .bind("table", table)
                .mapTo(String.class)
                .findOne());
    }

    @Override
    public List<Table> tables() {
        return database.reading(
                handle -> handle.createQuery("SELECT project, name FROM iceberg_table ORDER BY project, name")
                        .map((row, context) -> new Table(row.getString("project"), row.getString("name")))
                        .list());
    }

    @Override
    public boolean swap(String project, String table, Optional<String> from, String to) {
        String sql = from.isEmpty()
                ? "INSERT INTO iceberg_table (project, name, metadata) VALUES (:project, :table, :to) ON CONFLICT DO NOTHING"
                : "UPDATE iceberg_table SET metadata = :to WHERE project = :project AND name = :table AND metadata = :from";
        return database.writing(handle -> handle.createUpdate(sql)
                        .bind("project", project)
                        .bind("table", table)
                        .bind("from", from.orElse(""))
                        .bind("to", to)
                        .execute())
                > 0;
    }
}
