package dev.tidemill.tracking.store;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes;
import dev.tidemill.tracking.domain.Scorer;
import dev.tidemill.tracking.domain.ScorerStore;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.statement.Query;

/** Scorers in the database. */
public final class SqlScorerStore implements ScorerStore {
    /** What a scorer takes, of a query for scorers called {@code x}. */
    private static final String BYTES = RowBytes.of("x.content");

    private final Database database;

    public SqlScorerStore(Database database) {
        this.database = database;
    }

    @Override
    public void insert(Scorer scorer) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO scorer (id, experiment_id, name, version, content, created_at)
                        VALUES (:id, :experimentId, :name, :version, :content, :createdAt)
                        """).bindMethods(scorer).execute());
    }

    @Override
    public List<Scorer> versions(long experiment, Optional<String> name) {
        String search = "SELECT * FROM scorer WHERE experiment_id = :experiment"
                + (name.isPresent() ? " AND name = :name" : "") + " ORDER BY name, version";
        return RowBytes.all(
                database,
                handle -> bind(handle.createQuery(RowBytes.weighing("x.id", BYTES, search)), experiment, name),
                (row, context) -> row.getString("id"),
                (handle, fitting) -> bind(handle.createQuery(search), experiment, name)
                        .map((row, context) -> new Scorer(
                                row.getString("id"),
                                row.getLong("experiment_id"),
                                row.getString("name"),
                                row.getInt("version"),
                                row.getString("content"),
                                Columns.instant(row, "created_at")))
                        .list());
    }

    private static Query bind(Query query, long experiment, Optional<String> name) {
        return query.bind("experiment", experiment).bind("name", name.orElse(""));
    }

    @Override
    public int delete(long experiment, String name, Optional<Integer> version) {
        return database.writing(
                handle -> handle.createUpdate("DELETE FROM scorer WHERE experiment_id = :experiment AND name = :name"
                                + (version.isPresent() ? " AND version = :version" : ""))
                        .bind("experiment", experiment)
                        .bind("name", name)
                        .bind("version", version.orElse(0))
                        .execute());
    }
}
