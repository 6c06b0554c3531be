package dev.tidemill.platform.audit;

import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.search.Portion;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.util.List;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/** The refusals in the database. Thread-safe. */
public final class SqlRefusals {
    private final Database database;

    public SqlRefusals(Database database) {
        this.database = database;
    }

    /** The wanted refusals, newest first. */
    public Portion<StoredRefusal> newest(RefusalQuery query) {
        var sql = new StringBuilder("SELECT * FROM audit_refusal WHERE position < :before");
        query.user()
                .ifPresent(user -> sql.append(" AND ")
                        .append(database.dialect().userOfActor())
                        .append(" = :user"));
        query.address().ifPresent(address -> sql.append(" AND address = :address"));
        query.code().ifPresent(code -> sql.append(" AND code = :code"));
        sql.append(" ORDER BY position DESC LIMIT :limit");
        String user = query.user().map(Actor::user).orElse("");
        Function<Handle, List<StoredRefusal>> search = handle -> handle.createQuery(sql.toString())
                .bind("user", user)
                .bind("address", query.address().orElse(""))
                .bind("code", query.code().orElse(""))
                .bind("before", query.before().orElse(Long.MAX_VALUE))
                .bind("limit", query.limit() + 1)
                .map((row, context) -> new StoredRefusal(
                        row.getLong("position"),
                        Columns.instant(row, "record_time"),
                        row.getString("actor"),
                        row.getString("address"),
                        row.getString("method"),
                        row.getString("path"),
                        row.getString("code"),
                        row.getLong("times")))
                .list();
        // No index has addresses or codes: those that are wanted may be few among very many.
        List<StoredRefusal> found = query.address().isEmpty() && query.code().isEmpty()
                ? database.reading(search)
                : database.searching(search);
        boolean more = found.size() > query.limit();
        return new Portion<>(more ? List.copyOf(found.subList(0, query.limit())) : found, more);
    }
}
