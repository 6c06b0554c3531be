package dev.tidemill.datasets.store;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSetStore;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Data sets in the database. */
public final class SqlDataSetStore implements DataSetStore {
    private final Database database;

    public SqlDataSetStore(Database database) {
        this.database = database;
    }

    @Override
    public void save(String project, String name, DataSet definition) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO data_set (project, name, definition) VALUES (:project, :name, :definition)
                        ON CONFLICT (project, name) DO UPDATE SET definition = excluded.definition
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("definition", Json.write(definition))
                .execute());
    }

    @Override
    public Optional<DataSet> find(String project, String name) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT definition FROM data_set WHERE project = :project AND name = :name")
                .bind("project", project)
                .bind("name", name)
                .map((row, context) -> Json.read(row.getString("definition"), DataSet.class))
                .findOne());
    }

    @Override
    public List<Named> list(String project) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM data_set WHERE project = :project ORDER BY name")
                .bind("project", project)
                .map((row, context) ->
                        new Named(row.getString("name"), Json.read(row.getString("definition"), DataSet.class)))
                .list());
    }

    @Override
    public Optional<DataSetVersion> findVersion(String project, String name, int version) {
        return versionsWhere(project, name, "AND version = :value", version).stream()
                .findFirst();
    }

    @Override
    public Optional<DataSetVersion> newestVersion(String project, String name) {
        return versionsWhere(project, name, "ORDER BY version DESC LIMIT 1", 0).stream()
                .findFirst();
    }

    @Override
    public Optional<DataSetVersion> findMadeBy(String project, String name, String madeBy) {
        return versionsWhere(project, name, "AND made_by = :value", madeBy).stream()
                .findFirst();
    }

    @Override
    public List<DataSetVersion> versions(String project, String name) {
        return versionsWhere(project, name, "ORDER BY version DESC LIMIT 1000", 0);
    }

    private List<DataSetVersion> versionsWhere(String project, String name, String rest, Object value) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM data_set_version WHERE project = :project AND data_set = :name " + rest)
                .bind("project", project)
                .bind("name", name)
                .bind("value", value)
                .map((row, context) -> version(row))
                .list());
    }

    @Override
    public void insertVersion(DataSetVersion version) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO data_set_version (project, data_set, version, snapshot_id, digest, row_count, bytes,
                                                      schema_json, summary, sources, made_by, created_at)
                        VALUES (:project, :dataSet, :version, :snapshotId, :digest, :rows, :bytes,
                                :schemaJson, :summaryJson, :sourcesJson, :madeBy, :createdAt)
                        """)
                .bindMethods(version)
                .bind("schemaJson", Json.write(version.columns()))
                .bind("summaryJson", Json.write(version.summary()))
                .bind("sourcesJson", Json.write(version.sources()))
                .execute());
    }

    @SuppressWarnings("unchecked")
    private static DataSetVersion version(ResultSet row) throws SQLException {
        return new DataSetVersion(
                row.getString("project"),
                row.getString("data_set"),
                row.getInt("version"),
                row.getLong("snapshot_id"),
                row.getString("digest"),
                row.getLong("row_count"),
                row.getLong("bytes"),
                List.of(Json.read(row.getString("schema_json"), Column[].class)),
                (Map<String, Object>) Json.read(row.getString("summary"), Map.class),
                List.of(Json.read(row.getString("sources"), String[].class)),
                row.getString("made_by"),
                Columns.instant(row, "created_at"));
    }
}
