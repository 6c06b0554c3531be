package dev.tidemill.registry.store;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.ModelStore;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Signature;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Models in the database. */
public final class SqlModelStore implements ModelStore {
    private final Database database;

    public SqlModelStore(Database database) {
        this.database = database;
    }

    @Override
    public void ensureModel(String project, String name, Instant now) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO registered_model (project, name, created_at) VALUES (:project, :name, :now)
                        ON CONFLICT DO NOTHING
                        """)
                .bind("project", project)
                .bind("name", name)
                .bind("now", now)
                .execute());
    }

    @Override
    public List<Model> models(String project) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT registered_model.*,
                               (SELECT COUNT(*) FROM model_version
                                WHERE model_version.project = registered_model.project
                                  AND model_version.model = registered_model.name) AS versions
                        FROM registered_model WHERE project = :project ORDER BY name
                        """)
                .bind("project", project)
                .map((row, context) -> new Model(
                        project,
                        row.getString("name"),
                        Columns.instant(row, "created_at"),
                        row.getInt("versions"),
                        aliases(project, row.getString("name"))))
                .list());
    }

    @Override
    public int newestVersion(String project, String model) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT COALESCE(MAX(version), 0) FROM model_version WHERE project = :project AND model = :model")
                .bind("project", project)
                .bind("model", model)
                .mapTo(Integer.class)
                .one());
    }

    @Override
    public void insert(ModelVersion version) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO model_version (project, model, version, stage, folder_digest, signature, metrics, params,
                                                   run_id, data_versions, data_digest, code_version, data_until, made_by,
                                                   created_at)
                        VALUES (:project, :model, :version, :stage, :folder, :signatureJson, :metricsJson, :paramsJson,
                                :runId, :dataVersionsJson, :dataDigest, :codeVersion, :untilMillis, :madeBy, :createdAt)
                        """)
                .bindMethods(version)
                .bind("signatureJson", Json.write(version.signature()))
                .bind("metricsJson", Json.write(version.metrics()))
                .bind("paramsJson", Json.write(version.params()))
                .bind("runId", version.run().orElse(null))
                .bind("dataVersionsJson", Json.write(version.dataVersions()))
                .bind(
                        "untilMillis",
                        version.dataUntil().map(Instant::toEpochMilli).orElse(null))
                .execute());
    }

    @Override
    public Optional<ModelVersion> find(String project, String model, int version) {
        return where(project, model, "AND version = :value", version).stream().findFirst();
    }

    @Override
    public Optional<ModelVersion> findMadeBy(String project, String model, String madeBy) {
        return where(project, model, "AND made_by = :value", madeBy).stream().findFirst();
    }

    @Override
    public List<ModelVersion> versions(String project, String model) {
        return where(project, model, "ORDER BY version DESC LIMIT 1000", 0);
    }

    private List<ModelVersion> where(String project, String model, String rest, Object value) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM model_version WHERE project = :project AND model = :model " + rest)
                .bind("project", project)
                .bind("model", model)
                .bind("value", value)
                .map((row, context) -> version(row))
                .list());
    }

    @Override
    public void setStage(String project, String model, int version, ModelVersion.Stage stage) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE model_version SET stage = :stage
                        WHERE project = :project AND model = :model AND version = :version
                        """)
                .bind("stage", stage)
                .bind("project", project)
                .bind("model", model)
                .bind("version", version)
                .execute());
    }

    @Override
    public void setAlias(String project, String model, String alias, int version) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO model_alias (project, model, alias, version)
                        VALUES (:project, :model, :alias, :version)
                        ON CONFLICT (project, model, alias) DO UPDATE SET version = excluded.version
                        """)
                .bind("project", project)
                .bind("model", model)
                .bind("alias", alias)
                .bind("version", version)
                .execute());
    }

    @Override
    public void removeAlias(String project, String model, String alias) {
        database.writing(handle -> handle.createUpdate(
                        "DELETE FROM model_alias WHERE project = :project AND model = :model AND alias = :alias")
                .bind("project", project)
                .bind("model", model)
                .bind("alias", alias)
                .execute());
    }

    @Override
    public Map<String, Integer> aliases(String project, String model) {
        var aliases = new TreeMap<String, Integer>();
        database.reading(handle -> handle.createQuery(
                        "SELECT alias, version FROM model_alias WHERE project = :project AND model = :model")
                .bind("project", project)
                .bind("model", model)
                .map((row, context) -> aliases.put(row.getString("alias"), row.getInt("version")))
                .list());
        return aliases;
    }

    @SuppressWarnings("unchecked")
    private static ModelVersion version(ResultSet row) throws SQLException {
        var metrics = new HashMap<String, Double>();
        ((Map<String, Number>) Json.read(row.getString("metrics"), Map.class))
                .forEach((name, value) -> metrics.put(name, value.doubleValue()));
        return new ModelVersion(
                row.getString("project"),
                row.getString("model"),
                row.getInt("version"),
                ModelVersion.Stage.valueOf(row.getString("stage")),
                new Digest(row.getString("folder_digest")),
                Json.read(row.getString("signature"), Signature.class),
                metrics,
                Json.readStringMap(row.getString("params")),
                Columns.optionalText(row, "run_id"),
                List.of(Json.read(row.getString("data_versions"), String[].class)),
                row.getString("data_digest"),
                row.getString("code_version"),
                Columns.optionalInstant(row, "data_until"),
                row.getString("made_by"),
                Columns.instant(row, "created_at"));
    }
}
