package dev.tidemill.features.store;

import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.FeatureViewStore;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Database;
import java.util.List;
import java.util.Optional;

/** Feature views in the database. */
public final class SqlFeatureViewStore implements FeatureViewStore {
    private final Database database;

    public SqlFeatureViewStore(Database database) {
        this.database = database;
    }

    @Override
    public void save(String project, String name, FeatureView view) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO feature_view (project, name, definition) VALUES (:project, :name, :definition)
                        ON CONFLICT (project, name) DO UPDATE SET definition = excluded.definition
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("definition", Json.write(view))
                .execute());
    }

    @Override
    public Optional<FeatureView> find(String project, String name) {
        return list(project).stream()
                .filter(named -> named.name().equals(name))
                .map(Named::definition)
                .findFirst();
    }

    @Override
    public List<Named> list(String project) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM feature_view WHERE project = :project ORDER BY name")
                .bind("project", project)
                .map((row, context) ->
                        new Named(row.getString("name"), Json.read(row.getString("definition"), FeatureView.class)))
                .list());
    }
}
