package dev.tidemill.registry.store;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.platform.sql.RowBytes.Reach;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.registry.domain.ModelPage;
import dev.tidemill.registry.domain.ModelStore;
import dev.tidemill.registry.domain.RegisteredModel;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.RowMapper;
import org.jdbi.v3.core.statement.Query;

/** Models in the database. */
public final class SqlModelStore implements ModelStore {
    /** The models of a project that are no prompts, from which on a query goes on with more conditions. */
    private static final String NO_PROMPTS =
            "FROM model m WHERE m.project = :project AND NOT EXISTS (SELECT 1 FROM model_tag t WHERE t.project = m.project"
                    + " AND t.model = m.name AND t.version = 0 AND t.name = :tag AND t.value = 'true')";

    private static final List<String> PARTS = List.of("version", "alias", "model_tag");

    private static final int FETCHED = 100;

    /** What a model takes, of a query for models called {@code x}. */
    private static final String MODEL_BYTES = String.join(
            " + ",
            RowBytes.of("x.description"),
            RowBytes.sum("model_tag y WHERE y.project = x.project AND y.model = x.name AND y.version = 0", "y.value"),
            RowBytes.sum("alias y WHERE y.project = x.project AND y.model = x.name"));

    private static final RowMapper<String> NAME = (row, context) -> row.getString("name");

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
    public Set<String> borne(String project, Set<String> names) {
        return names.isEmpty()
                ? Set.of()
                : Set.copyOf(database.reading(handle -> handle.createQuery("SELECT m.name " + NO_PROMPTS
                                + " AND m.name IN " + database.dialect().texts(":names"))
                        .bind("project", project)
                        .bind("tag", RegisteredModel.PROMPT_TAG)
                        .bind("names", SqlCondition.list(names))
                        .mapTo(String.class)
                        .list()));
    }

    @Override
    public List<String> names(String project, int limit) {
        return database.reading(
                handle -> handle.createQuery("SELECT m.name " + NO_PROMPTS + " ORDER BY m.name LIMIT :limit")
                        .bind("project", project)
                        .bind("tag", RegisteredModel.PROMPT_TAG)
                        .bind("limit", limit)
                        .mapTo(String.class)
                        .list());
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
        boolean indexed = filter.isEmpty() && ModelPage.byName(order) && (behind || start.offset() == 0);
        return RowBytes.searchedPage(
                database,
                Reach.of(indexed),
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
}
