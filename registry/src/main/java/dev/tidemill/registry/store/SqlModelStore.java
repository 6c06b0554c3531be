package dev.tidemill.registry.store;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelPage;
import dev.tidemill.registry.domain.ModelStore;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.RegisteredModel;
import dev.tidemill.registry.domain.Signature;
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
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.StatementContext;

/** Models in the database. */
public final class SqlModelStore implements ModelStore {
    /** Versions that answer under their model's name, of a query in which these columns are one table's. */
    private static final String CALLABLE = "AND folder_digest IS NOT NULL AND stage <> 'ARCHIVED' ";

    private static final List<String> PARTS = List.of("version", "alias", "model_tag");

    private static final int FETCHED = 100;

    /** Versions that one query names. */
    private static final int NAMED = 5_000;

    /** What a model takes, of a query for models called {@code x}. */
    private static final String MODEL_BYTES = String.join(
            " + ",
            RowBytes.of("x.description"),
            RowBytes.sum("model_tag y WHERE y.project = x.project AND y.model = x.name AND y.version = 0", "y.value"),
            RowBytes.sum("alias y WHERE y.project = x.project AND y.model = x.name"));

    /** What a version takes, of a query for versions called {@code x}: half of it is JSON, which is text and then a tree. */
    private static final String VERSION_BYTES = String.join(
            " + ",
            RowBytes.of("x.description", "x.source", "x.location", "x.run_link"),
            "3 * " + RowBytes.of("x.signature", "x.metrics", "x.params", "x.data_versions", "x.files"),
            RowBytes.sum(
                    "model_tag y WHERE y.project = x.project AND y.model = x.model AND y.version = x.version",
                    "y.value"));

    private static final RowMapper<String> NAME = (row, context) -> row.getString("name");

    private static final String KEY = "x.model, x.version";

    private final Database database;

    public SqlModelStore(Database database) {
        this.database = database;
    }

    @Override
    public boolean insertModel(String project, String name, String description, Instant now) {
        return database.writing(handle -> handle.createUpdate("""
                                INSERT INTO model (project, name, description, created_at, updated_at)
                                VALUES (:project, :name, :description, :now, :now) ON CONFLICT DO NOTHING
                                """)
                        .bind("project", project)
                        .bind("name", name)
                        .bind("description", description)
                        .bind("now", now)
                        .execute())
                > 0;
    }

    @Override
    public Optional<RegisteredModel> findModel(String project, String name) {
        return RowBytes.all(
                        database,
                        handle -> handle.createQuery(RowBytes.weighing(
                                        "x.name",
                                        MODEL_BYTES,
                                        "SELECT * FROM model WHERE project = :project AND name = :name"))
                                .bind("project", project)
                                .bind("name", name),
                        NAME,
                        (handle, fitting) -> models(handle, project, fitting.keys()))
                .stream()
                .findFirst();
    }

    @Override
    public List<RegisteredModel> models(String project) {
        String search = "SELECT m.* FROM model m WHERE m.project = :project AND NOT EXISTS (SELECT 1 FROM model_tag t"
                + " WHERE t.project = m.project AND t.model = m.name AND t.version = 0 AND t.name = :tag AND t.value = 'true')"
                + " ORDER BY m.name";
        return RowBytes.all(
                database,
                handle -> handle.createQuery(RowBytes.weighing("x.name", MODEL_BYTES, search))
                        .bind("project", project)
                        .bind("tag", RegisteredModel.PROMPT_TAG),
                NAME,
                (handle, fitting) -> models(handle, project, fitting.keys()));
    }

    @Override
    public Portion<RegisteredModel> searchModels(
            String project, List<Comparison> filter, List<Ordering> order, ModelPage start, int limit) {
        var search = new RegistrySearchSql(database.dialect(), false);
        boolean behind = start.after().isPresent() && ModelPage.byName(order);
        if (behind) {
            search.after(
                    start.after().get(), order.isEmpty() || order.getFirst().ascending());
        }
        String sql = search.write(project, filter, order, behind ? 0 : start.offset(), limit + 1);
        return RowBytes.page(
                database,
                limit,
                handle -> search.values().bindAll(handle.createQuery(RowBytes.weighing("x.name", MODEL_BYTES, sql))),
                NAME,
                (handle, fitting) -> models(handle, project, fitting.keys()));
    }

    private List<RegisteredModel> models(Handle handle, String project, List<String> names) {
        List<RegisteredModel> bare = handle.createQuery("SELECT * FROM model WHERE project = :project AND name IN "
                        + database.dialect().texts(":names"))
                .bind("project", project)
                .bind("names", SqlCondition.list(names))
                .map((row, context) -> new RegisteredModel(
                        row.getString("project"),
                        row.getString("name"),
                        row.getString("description"),
                        Columns.instant(row, "created_at"),
                        Columns.instant(row, "updated_at"),
                        0,
                        Map.of(),
                        Map.of()))
                .list();
        return bare.isEmpty() ? bare : RowBytes.inOrder(names, complete(handle, bare), RegisteredModel::name);
    }

    /** Counts, aliases and tags of all models in three queries, however many models there are. */
    private List<RegisteredModel> complete(Handle handle, List<RegisteredModel> models) {
        String project = models.getFirst().project();
        List<String> names = models.stream().map(RegisteredModel::name).toList();
        var counts = new HashMap<String, Integer>();
        of(handle, "SELECT model, COUNT(*) AS n FROM version WHERE NOT deleted AND", "GROUP BY model", project, names)
                .map((row, context) -> counts.put(row.getString("model"), row.getInt("n")))
                .list();
        var aliases = new HashMap<String, Map<String, Integer>>();
        of(handle, "SELECT model, alias, version FROM alias WHERE", "", project, names)
                .map((row, context) -> aliases.computeIfAbsent(row.getString("model"), name -> new TreeMap<>())
                        .put(row.getString("alias"), row.getInt("version")))
                .list();
        var tags = new HashMap<String, Map<String, String>>();
        of(handle, "SELECT model, name, value FROM model_tag WHERE version = 0 AND", "", project, names)
                .map((row, context) -> tags.computeIfAbsent(row.getString("model"), name -> new TreeMap<>())
                        .put(row.getString("name"), row.getString("value")))
                .list();
        return models.stream()
                .map(model -> new RegisteredModel(
                        model.project(),
                        model.name(),
                        model.description(),
                        model.createdAt(),
                        model.updatedAt(),
                        counts.getOrDefault(model.name(), 0),
                        aliases.getOrDefault(model.name(), Map.of()),
                        tags.getOrDefault(model.name(), Map.of())))
                .toList();
    }

    private Query of(Handle handle, String select, String rest, String project, List<String> names) {
        return handle.createQuery(select + " project = :project AND model IN "
                        + database.dialect().texts(":names") + " " + rest)
                .bind("project", project)
                .bind("names", SqlCondition.list(names))
                .setFetchSize(FETCHED);
    }

    @Override
    public boolean updateModel(String project, String name, String newName, String description, Instant now) {
        return database.writing(handle -> {
            if (!newName.equals(name) && findModel(project, newName).isPresent()) {
                return false;
            }
            handle.createUpdate("""
                            UPDATE model SET name = :newName, description = :description, updated_at = :now
                            WHERE project = :project AND name = :name
                            """)
                    .bind("newName", newName)
                    .bind("description", description)
                    .bind("now", now)
                    .bind("project", project)
                    .bind("name", name)
                    .execute();
            if (!newName.equals(name)) {
                for (String part : PARTS) {
                    handle.createUpdate("UPDATE " + part
                                    + " SET model = :newName WHERE project = :project AND model = :name")
                            .bind("newName", newName)
                            .bind("project", project)
                            .bind("name", name)
                            .execute();
                }
            }
            return true;
        });
    }

    @Override
    public boolean hold(String project, String name) {
        // An update that changes nothing locks the row on PostgreSQL; SQLite has one writer in any case.
        return database.writing(handle -> handle.createUpdate(
                                "UPDATE model SET name = name WHERE project = :project AND name = :name")
                        .bind("project", project)
                        .bind("name", name)
                        .execute())
                > 0;
    }

    @Override
    public Set<Digest> deleteModel(String project, String name) {
        return database.writing(handle -> {
            // One statement: a version that is registered meanwhile is either deleted and named, or refused.
            var folders = handle.createQuery(
                            "DELETE FROM version WHERE project = :project AND model = :name RETURNING folder_digest")
                    .bind("project", project)
                    .bind("name", name)
                    .map((row, context) -> Optional.ofNullable(row.getString(1)).map(Digest::new))
                    .list();
            for (String part : List.of("alias", "model_tag")) {
                handle.createUpdate("DELETE FROM " + part + " WHERE project = :project AND model = :name")
                        .bind("project", project)
                        .bind("name", name)
                        .execute();
            }
            handle.createUpdate("DELETE FROM model WHERE project = :project AND name = :name")
                    .bind("project", project)
                    .bind("name", name)
                    .execute();
            return folders.stream().flatMap(Optional::stream).collect(Collectors.toSet());
        });
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
    public int newestVersion(String project, String model) {
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
                .bind("loggedModelId", version.loggedModel().orElse(null))
                .bind("folderDigest", version.folder().map(Digest::value).orElse(null))
                .bind("signatureJson", Json.write(version.signature()))
                .bind("metricsJson", Json.write(version.metrics()))
                .bind("paramsJson", Json.write(version.params()))
                .bind("filesJson", version.files().map(Json::write).orElse(""))
                .bind("runId", version.run().orElse(null))
                .bind("dataVersionsJson", Json.write(version.dataVersions()))
                .bind(
                        "untilMillis",
                        version.dataUntil().map(Instant::toEpochMilli).orElse(null))
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
    public List<ModelVersion> newest(String project) {
        return newestOfEach(project, "");
    }

    @Override
    public List<ModelVersion> newestCallable(String project) {
        return newestOfEach(project, CALLABLE);
    }

    private List<ModelVersion> newestOfEach(String project, String these) {
        return allVersions(
                "SELECT v.* FROM version v WHERE NOT v.deleted AND v.project = :project AND v.version = ("
                        + "SELECT MAX(n.version) FROM version n"
                        + " WHERE n.project = v.project AND n.model = v.model AND NOT n.deleted " + these
                        + ") ORDER BY v.model",
                project,
                query -> query);
    }

    private List<ModelVersion> where(String project, String model, String rest, Object value) {
        return allVersions(
                "SELECT v.* FROM version v WHERE NOT v.deleted AND v.project = :project AND v.model = :model " + rest,
                project,
                query -> query.bind("model", model).bind("value", value));
    }

    @Override
    public Portion<ModelVersion> searchVersions(
            String project, List<Comparison> filter, List<Ordering> order, long offset, int limit) {
        var search = new RegistrySearchSql(database.dialect(), true);
        String sql = search.write(project, filter, order, offset, limit + 1);
        return RowBytes.page(
                database,
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
                versions.add(tagged(version, tags.getOrDefault(Key.of(version), Map.of())));
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

    private static ModelVersion tagged(ModelVersion v, Map<String, String> tags) {
        return new ModelVersion(
                v.project(),
                v.model(),
                v.version(),
                v.stage(),
                v.description(),
                v.source(),
                v.location(),
                v.runLink(),
                v.loggedModel(),
                v.folder(),
                v.signature(),
                v.metrics(),
                v.params(),
                v.run(),
                v.dataVersions(),
                v.dataDigest(),
                v.codeVersion(),
                v.dataUntil(),
                v.madeBy(),
                v.madeByUser(),
                v.createdAt(),
                v.updatedAt(),
                tags,
                v.files());
    }

    @Override
    public void updateVersion(
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
    public void deleteVersion(String project, String model, int version, Instant now) {
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

    @Override
    public void setAlias(String project, String model, String alias, int version) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO alias (project, model, alias, version)
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
    public boolean removeAlias(String project, String model, String alias) {
        return database.writing(handle -> handle.createUpdate(
                                "DELETE FROM alias WHERE project = :project AND model = :model AND alias = :alias")
                        .bind("project", project)
                        .bind("model", model)
                        .bind("alias", alias)
                        .execute())
                > 0;
    }

    @Override
    public Map<String, Integer> aliases(String project, String model) {
        var aliases = new TreeMap<String, Integer>();
        database.reading(handle -> handle.createQuery(
                        "SELECT alias, version FROM alias WHERE project = :project AND model = :model")
                .bind("project", project)
                .bind("model", model)
                .map((row, context) -> aliases.put(row.getString("alias"), row.getInt("version")))
                .list());
        return aliases;
    }

    @Override
    public void putTag(String project, String model, int version, String name, String value) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO model_tag (project, model, version, name, value)
                        VALUES (:project, :model, :version, :name, :value)
                        ON CONFLICT (project, model, version, name) DO UPDATE SET value = excluded.value
                        """)
                .bind("project", project)
                .bind("model", model)
                .bind("version", version)
                .bind("name", name)
                .bind("value", value)
                .execute());
    }

    @Override
    public boolean removeTag(String project, String model, int version, String name) {
        return database.writing(handle -> handle.createUpdate("""
                                DELETE FROM model_tag
                                WHERE project = :project AND model = :model AND version = :version AND name = :name
                                """)
                        .bind("project", project)
                        .bind("model", model)
                        .bind("version", version)
                        .bind("name", name)
                        .execute())
                > 0;
    }

    @SuppressWarnings("unchecked")
    private static ModelVersion version(ResultSet row, Map<String, String> tags) throws SQLException {
        var metrics = new HashMap<String, Double>();
        ((Map<String, Number>) Json.read(row.getString("metrics"), Map.class))
                .forEach((name, value) -> metrics.put(name, value.doubleValue()));
        return new ModelVersion(
                row.getString("project"),
                row.getString("model"),
                row.getInt("version"),
                ModelVersion.Stage.valueOf(row.getString("stage")),
                row.getString("description"),
                row.getString("source"),
                row.getString("location"),
                row.getString("run_link"),
                Columns.optionalText(row, "logged_model"),
                Columns.optionalText(row, "folder_digest").map(Digest::new),
                Json.read(row.getString("signature"), Signature.class),
                metrics,
                Json.readStringMap(row.getString("params")),
                Columns.optionalText(row, "run_id"),
                List.of(Json.read(row.getString("data_versions"), String[].class)),
                row.getString("data_digest"),
                row.getString("code_version"),
                Columns.optionalInstant(row, "data_until"),
                row.getString("made_by"),
                row.getString("made_by_user"),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "updated_at"),
                tags,
                Columns.optionalText(row, "files")
                        .filter(text -> !text.isEmpty())
                        .map(text -> Json.read(text, ModelFiles.class)));
    }
}
