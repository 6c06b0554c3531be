package dev.tidemill.tracking.store;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.tracking.domain.SavedView;
import dev.tidemill.tracking.domain.SavedViewStore;
import java.util.List;

/** Saved views in the database. */
public final class SqlSavedViewStore implements SavedViewStore {
    private final Database database;

    public SqlSavedViewStore(Database database) {
        this.database = database;
    }

    @Override
    public void put(String project, SavedView view) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO saved_view (project, name, address, made_by, created_at)
                        VALUES (:project, :name, :address, :madeBy, :createdAt)
                        ON CONFLICT (project, name) DO UPDATE SET address = excluded.address, made_by = excluded.made_by
                        """)
                .bindMethods(view)
                .bind("project", project)
                .execute());
    }

    @Override
    public List<SavedView> list(String project) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM saved_view WHERE project = :project ORDER BY name")
                .bind("project", project)
                .map((row, context) -> new SavedView(
                        row.getString("name"),
                        row.getString("address"),
                        row.getString("made_by"),
                        Columns.instant(row, "created_at")))
                .list());
    }

    @Override
    public boolean delete(String project, String name) {
        return database.writing(handle -> handle.createUpdate(
                                "DELETE FROM saved_view WHERE project = :project AND name = :name")
                        .bind("project", project)
                        .bind("name", name)
                        .execute())
                > 0;
    }
}
