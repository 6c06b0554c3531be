package dev.tidemill.registry.store;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.RowBytes.Reach;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.domain.VersionId;
import dev.tidemill.registry.domain.VersionStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.StatementContext;

/** Versions of models in the database. */
public final class SqlVersionStore implements VersionStore {
    /** Versions that answer under their model's name, of a query in which these columns are one table's. */
    private static final String CALLABLE = "AND folder_digest IS NOT NULL AND stage <> 'ARCHIVED' ";

    private static final int FETCHED = 100;

    /** Versions that one query names. */
    private static final int NAMED = 5_000;

    /** What a version takes, of a query for versions called {@code x}: half of it is JSON, which is text and then a tree. */
    private static final String VERSION_BYTES = String.join(
            " + ",
            RowBytes.of("x.description", "x.source", "x.location", "x.run_link"),
            "3 * " + RowBytes.of("x.signature", "x.metrics", "x.params", "x.data_versions", "x.files"),
            RowBytes.sum(
                    "model_tag y WHERE y.project = x.project AND y.model = x.model AND y.version = x.version",
                    "y.value"));

    private static final String KEY = "x.model, x.version";

    private final Database database;

    public SqlVersionStore(Database database) {
        this.database = database;
    }

    @Override
    public Set<Digest> foldersOfDeleted(int limit) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT DISTINCT folder_digest FROM version WHERE deleted AND folder_digest IS NOT NULL LIMIT :limit")
                .bind("limit", limit)
                .map((row, context) -> new Digest(row.getString(1)))
                .set());
    }

    @Override
    public void forgetFolders(Set<Digest> folders) {
        if (!folders.isEmpty()) {
            database.writing(handle -> handle.createUpdate(
                            "UPDATE version SET folder_digest = NULL WHERE deleted AND folder_digest IN (<folders>)")
                    .bindList("folders", List.copyOf(folders))
                    .execute());
        }
    }

    @Override
    public int newestNumber(String project, String model) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT COALESCE(MAX(version), 0) FROM version WHERE project = :project AND model = :model")
                .bind("project", project)
                .bind("model", model)
                .mapTo(Integer.class)
                .one());
    }

    @Override
    public void insert(ModelVersion version) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO version (project, model, version, stage, description, source, location, run_link, logged_model,
                                             folder_digest, signature, metrics, params, run_id, data_versions, data_digest,
                                             code_version, data_until, made_by, made_by_user, deleted, created_at, updated_at, files)
                        VALUES (:project, :model, :version, :stage, :description, :source, :location, :runLink, :loggedModelId,
                                :folderDigest, :signatureJson, :metricsJson, :paramsJson, :runId, :dataVersionsJson,
                                :dataDigest, :codeVersion, :untilMillis, :madeBy, :madeByUser, FALSE, :createdAt, :updatedAt,
                                :filesJson)
                        """)
                .bindMethods(version)
                .bindMethods(version.id())
                .bindMethods(version.origin())
                .bindMethods(version.training())
                .bind("loggedModelId", version.origin().loggedModel().orElse(null))
                .bind("folderDigest", version.folder().map(Digest::value).orElse(null))
                .bind("signatureJson", Json.write(version.contents().signature()))
                .bind("metricsJson", Json.write(version.training().metrics()))
                .bind("paramsJson", Json.write(version.training().params()))
                .bind("filesJson", version.contents().files().map(Json::write).orElse(""))
                .bind("runId", version.training().run().orElse(null))
                .bind("dataVersionsJson", Json.write(version.training().dataVersions()))
                .bind(
                        "untilMillis",
                        version.training()
                                .dataUntil()
                                .map(Instant::toEpochMilli)
                                .orElse(null))
                .execute());
    }

    @Override
    public boolean fill(
            String project, String model, int version, Digest folder, Signature signature, ModelFiles files) {
        return database.writing(handle -> handle.createUpdate("""
                                UPDATE version SET folder_digest = :folder, signature = :signature, files = :files, location = ''
                                WHERE project = :project AND model = :model AND version = :version AND NOT deleted
                                  AND folder_digest IS NULL
                                """)
                        .bind("folder", folder.value())
                        .bind("signature", Json.write(signature))
                        .bind("files", Json.write(files))
                        .bind("project", project)
                        .bind("model", model)
                        .bind("version", version)
                        .execute())
                > 0;
    }

    @Override
    public Optional<ModelVersion> find(String project, String model, int version) {
        return where(project, model, "AND v.version = :value", version).stream().findFirst();
    }

    @Override
    public Optional<ModelVersion> findMadeBy(String project, String model, String madeBy) {
        return where(project, model, "AND v.made_by = :value", madeBy).stream().findFirst();
    }

    @Override
    public Set<String> makers(Collection<String> among) {
        if (among.isEmpty()) {
            return Set.of();
        }
        return database.reading(handle -> handle.createQuery("SELECT made_by FROM version WHERE made_by IN "
                        + database.dialect().texts(":makers"))
                .bind("makers", SqlCondition.list(among))
                .mapTo(String.class)
                .set());
    }

    @Override
    public Optional<ModelVersion> newest(String project, String model, boolean callable) {
        return where(project, model, (callable ? CALLABLE : "") + "ORDER BY version DESC LIMIT 1", 0).stream()
                .findFirst();
    }

    @Override
    public List<ModelVersion> newestOfStages(String project, String model) {
        return where(
                project,
                model,
                "AND v.version IN (SELECT MAX(n.version) FROM version n WHERE NOT n.deleted AND n.project = v.project"
                        + " AND n.model = v.model GROUP BY n.stage) ORDER BY v.version DESC",
                0);
    }

    @Override
    public List<ModelVersion> versions(String project, String model) {
        return where(project, model, "ORDER BY v.version DESC LIMIT 1000", 0);
    }

    @Override
    public Portion<ModelVersion> newest(String project, Collection<String> models) {
        if (models.isEmpty()) {
            return new Portion<>(List.of(), false);
        }
        String search = newestOfEach("AND v.model IN " + database.dialect().texts(":models"), "");
        return RowBytes.page(
                database,
                models.size(),
                handle -> handle.createQuery(RowBytes.weighing(KEY, VERSION_BYTES, search))
                        .bind("project", project)
                        .bind("models", SqlCondition.list(models)),
                Key::of,
                (handle, fitting) -> versions(handle, project, fitting.keys()));
    }

    @Override
    public List<ModelVersion> newestCallable(String project) {
        return allVersions(newestOfEach("", CALLABLE), project, query -> query);
    }

    /**
     * @param among which models
     * @param these which of their versions
     */
    private static String newestOfEach(String among, String these) {
        return "SELECT v.* FROM version v WHERE NOT v.deleted AND v.project = :project " + among + " AND v.version = ("
                + "SELECT MAX(n.version) FROM version n"
                + " WHERE n.project = v.project AND n.model = v.model AND NOT n.deleted " + these
                + ") ORDER BY v.model";
    }

    private List<ModelVersion> where(String project, String model, String rest, Object value) {
        return allVersions(
                "SELECT v.* FROM version v WHERE NOT v.deleted AND v.project = :project AND v.model = :model " + rest,
                project,
                query -> query.bind("model", model).bind("value", value));
    }

    @Override
    public Portion<ModelVersion> search(
            String project, List<Comparison> filter, List<Ordering> order, long offset, int limit) {
        var search = new RegistrySearchSql(database.dialect(), true);
        String sql = search.write(project, filter, order, offset, limit + 1);
        return RowBytes.searchedPage(
                database,
                Reach.ANY,
                limit,
                handle -> search.values().bindAll(handle.createQuery(RowBytes.weighing(KEY, VERSION_BYTES, sql))),
                Key::of,
                (handle, fitting) -> versions(handle, project, fitting.keys()));
    }

    private List<ModelVersion> allVersions(String search, String project, UnaryOperator<Query> bind) {
        return RowBytes.all(
                database,
                handle -> bind.apply(handle.createQuery(RowBytes.weighing(KEY, VERSION_BYTES, search))
                        .bind("project", project)),
                Key::of,
                (handle, fitting) -> versions(handle, project, fitting.keys()));
    }

    private record Key(String model, int version) {
        static Key of(ResultSet row, StatementContext context) throws SQLException {
            return new Key(row.getString("model"), row.getInt("version"));
        }

        static Key of(ModelVersion version) {
            return new Key(version.model(), version.version());
        }
    }

    private static List<ModelVersion> versions(Handle handle, String project, List<Key> keys) {
        var versions = new ArrayList<ModelVersion>(keys.size());
        for (int from = 0; from < keys.size(); from += NAMED) {
            List<Key> some = keys.subList(from, Math.min(keys.size(), from + NAMED));
            var tags = new HashMap<Key, Map<String, String>>();
            of(handle, "SELECT * FROM model_tag", project, some)
                    .map((row, context) -> tags.computeIfAbsent(Key.of(row, context), key -> new TreeMap<>())
                            .put(row.getString("name"), row.getString("value")))
                    .list();
            List<ModelVersion> bare = of(handle, "SELECT * FROM version", project, some)
                    .map((row, context) -> version(row, Map.of()))
                    .list();
            for (ModelVersion version : RowBytes.inOrder(some, bare, Key::of)) {
                versions.add(version.withTags(tags.getOrDefault(Key.of(version), Map.of())));
            }
        }
        return versions;
    }

    private static Query of(Handle handle, String select, String project, List<Key> keys) {
        var models = keys.stream().map(Key::model).distinct().toList();
        var places = new HashMap<String, Integer>();
        models.forEach(model -> places.put(model, places.size()));
        String values = keys.stream()
                .map(key -> "(:model" + places.get(key.model()) + ", " + key.version() + ")")
                .collect(Collectors.joining(", "));
        Query query = handle.createQuery(
                        select + " WHERE project = :project AND (model, version) IN (VALUES " + values + ")")
                .bind("project", project)
                .setFetchSize(FETCHED);
        places.forEach((model, place) -> query.bind("model" + place, model));
        return query;
    }

    @Override
    public void update(
            String project, String model, int version, String description, ModelVersion.Stage stage, Instant now) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE version SET description = :description, stage = :stage, updated_at = :now
                        WHERE project = :project AND model = :model AND version = :version
                        """)
                .bind("description", description)
                .bind("stage", stage)
                .bind("now", now)
                .bind("project", project)
                .bind("model", model)
                .bind("version", version)
                .execute());
    }

    @Override
    public void archiveOthers(String project, String model, int version, ModelVersion.Stage stage, Instant now) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE version SET stage = 'ARCHIVED', updated_at = :now
                        WHERE project = :project AND model = :model AND version <> :version AND stage = :stage AND NOT deleted
                        """)
                .bind("stage", stage)
                .bind("now", now)
                .bind("project", project)
                .bind("model", model)
                .bind("version", version)
                .execute());
    }

    @Override
    public void delete(String project, String model, int version, Instant now) {
        database.writing(handle -> {
            for (String part : List.of("alias", "model_tag")) {
                handle.createUpdate("DELETE FROM " + part
                                + " WHERE project = :project AND model = :model AND version = :version")
                        .bind("project", project)
                        .bind("model", model)
                        .bind("version", version)
                        .execute();
            }
            // Its number stays taken: a version is never another one later.
            return handle.createUpdate("""
                            UPDATE version SET deleted = TRUE, folder_digest = NULL, updated_at = :now
                            WHERE project = :project AND model = :model AND version = :version
                            """)
                    .bind("now", now)
                    .bind("project", project)
                    .bind("model", model)
                    .bind("version", version)
                    .execute();
        });
    }

    @SuppressWarnings("unchecked")
    private static ModelVersion version(ResultSet row, Map<String, String> tags) throws SQLException {
        var metrics = new HashMap<String, Double>();
        ((Map<String, Number>) Json.read(row.getString("metrics"), Map.class))
                .forEach((name, value) -> metrics.put(name, value.doubleValue()));
        return new ModelVersion(
                new VersionId(row.getString("project"), row.getString("model"), row.getInt("version")),
                ModelVersion.Stage.valueOf(row.getString("stage")),
                row.getString("description"),
                new ModelVersion.Origin(
                        row.getString("source"),
                        row.getString("location"),
                        row.getString("run_link"),
                        Columns.optionalText(row, "logged_model"),
                        row.getString("made_by"),
                        row.getString("made_by_user")),
                new ModelVersion.Contents(
                        Columns.optionalText(row, "folder_digest").map(Digest::new),
                        Json.read(row.getString("signature"), Signature.class),
                        Columns.optionalText(row, "files")
                                .filter(text -> !text.isEmpty())
                                .map(text -> Json.read(text, ModelFiles.class))),
                new ModelVersion.Training(
                        Columns.optionalText(row, "run_id"),
                        metrics,
                        Json.readStringMap(row.getString("params")),
                        List.of(Json.read(row.getString("data_versions"), String[].class)),
                        row.getString("data_digest"),
                        row.getString("code_version"),
                        Columns.optionalInstant(row, "data_until")),
                tags,
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"));
    }
}
