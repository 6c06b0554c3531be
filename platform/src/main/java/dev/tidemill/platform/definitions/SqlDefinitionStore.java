package dev.tidemill.platform.definitions;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** Definitions in the database. */
public final class SqlDefinitionStore implements DefinitionStore {
    private final Database database;

    public SqlDefinitionStore(Database database) {
        this.database = database;
    }

    @Override
    public Optional<Definition> find(String project, String kind, String name) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM definition WHERE project = :project AND kind = :kind AND name = :name")
                .bind("project", project)
                .bind("kind", kind)
                .bind("name", name)
                .map((row, context) -> definition(row))
                .findOne());
    }

    @Override
    public List<Definition> list(String project) {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM definition WHERE project = :project ORDER BY kind, name")
                        .bind("project", project)
                        .map((row, context) -> definition(row))
                        .list());
    }

    @Override
    public List<String> names(String project, String kind) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT name FROM definition WHERE project = :project AND kind = :kind ORDER BY name")
                .bind("project", project)
                .bind("kind", kind)
                .mapTo(String.class)
                .list());
    }

    @Override
    public void save(Definition definition) {
        database.writing(
                handle -> handle.createUpdate("""
                        INSERT INTO definition (project, kind, name, version, digest, path, text, attachments, applied_at)
                        VALUES (:project, :kind, :name, :version, :digest, :path, :text, :attachments, :appliedAt)
                        ON CONFLICT (project, kind, name) DO UPDATE
                        SET version = excluded.version, digest = excluded.digest, path = excluded.path,
                            text = excluded.text, attachments = excluded.attachments, applied_at = excluded.applied_at
                        """).bindMethods(definition).execute());
    }

    @Override
    public void remove(String project, String kind, String name) {
        database.writing(handle -> handle.createUpdate(
                        "DELETE FROM definition WHERE project = :project AND kind = :kind AND name = :name")
                .bind("project", project)
                .bind("kind", kind)
                .bind("name", name)
                .execute());
    }

    private static Definition definition(ResultSet row) throws SQLException {
        return new Definition(
                row.getString("project"),
                row.getString("kind"),
                row.getString("name"),
                row.getInt("version"),
                row.getString("digest"),
                row.getString("path"),
                row.getString("text"),
                row.getString("attachments"),
                Columns.instant(row, "applied_at"));
    }
}
