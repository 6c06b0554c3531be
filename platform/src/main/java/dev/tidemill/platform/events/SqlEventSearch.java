package dev.tidemill.platform.events;

import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.RowBytes.Reach;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/**
 * Writes a search of events as SQL, the newest first. What types of a project begin with may be common to many types, and of each of
 * them an index has the newest events: so the types are asked for first, and the newest of each are put in order.
 */
final class SqlEventSearch {
    /** Types of which each is looked up by itself. The types of events from outside are of any number. */
    private static final int MOST_TYPES = 100;

    /** Bounds and order are those of the index of types, so that no database takes another index and sorts. */
    private static final String TYPES = """
            WITH RECURSIVE known(type) AS (
                SELECT (SELECT type FROM event
                        WHERE (project, type) >= (:project, :type) AND (project, type) < (:project, :typeEnd)
                        ORDER BY project, type LIMIT 1)
                UNION ALL
                SELECT (SELECT type FROM event
                        WHERE (project, type) > (:project, known.type) AND (project, type) < (:project, :typeEnd)
                        ORDER BY project, type LIMIT 1)
                FROM known WHERE known.type IS NOT NULL
            )
            SELECT type FROM known WHERE type IS NOT NULL LIMIT :most
            """;

    /**
     * Asked for in the order of the index, so that no database takes it for quicker to look through all events from the newest: of a
     * type that was frequent once, the newest may be far down.
     */
    private static final String OF_TYPE = "SELECT position FROM (SELECT position FROM event WHERE project = :project"
            + " AND type >= :type%1$d AND (type, position) < (:type%1$d, :before)"
            + " ORDER BY type DESC, position DESC LIMIT :limit) of_type%1$d";

    private final EventQuery query;
    private final List<String> types;
    private final String sql;
    private final Reach reach;

    private SqlEventSearch(EventQuery query, List<String> types, String sql, Reach reach) {
        this.query = query;
        this.types = types;
        this.sql = sql;
        this.reach = reach;
    }

    /** The search for events, which gives one more than is asked for where there is one. */
    static SqlEventSearch of(Database database, EventQuery query) {
        if (query.project().isPresent()
                && query.typePrefix().isPresent()
                && query.subjectPrefix().isEmpty()
                && query.user().isEmpty()) {
            List<String> types = database.reading(handle -> types(handle, query));
            if (types.size() <= MOST_TYPES) {
                return new SqlEventSearch(query, types, byType(types.size()), Reach.PAGE);
            }
        }
        boolean indexed = query.typePrefix().isEmpty()
                && query.subjectPrefix().isEmpty()
                && (query.user().isEmpty() || query.project().isEmpty());
        return new SqlEventSearch(query, List.of(), plain(database, query), Reach.of(indexed));
    }

    private static List<String> types(Handle handle, EventQuery query) {
        return handle.createQuery(TYPES)
                .bind("project", query.project().orElseThrow())
                .bind("type", query.typePrefix().orElseThrow())
                .bind("typeEnd", end(query.typePrefix()))
                .bind("most", MOST_TYPES + 1)
                .mapTo(String.class)
                .list();
    }

    private static String byType(int types) {
        if (types == 0) {
            return "SELECT * FROM event WHERE FALSE";
        }
        var newest = new ArrayList<String>();
        for (int i = 0; i < types; i++) {
            newest.add(OF_TYPE.formatted(i));
        }
        return "SELECT * FROM event WHERE position IN (SELECT position FROM (" + String.join(" UNION ALL ", newest)
                + ") newest ORDER BY position DESC LIMIT :limit) ORDER BY position DESC";
    }

    private static String plain(Database database, EventQuery query) {
        var sql = new StringBuilder("SELECT * FROM event WHERE position < :before");
        // With a user, not by the index of projects: of one project there may be all events, and few of them the
        // user's.
        String project = query.user().isPresent() ? "project || ''" : "project";
        query.project().ifPresent(wanted -> sql.append(" AND ").append(project).append(" = :project"));
        query.typePrefix().ifPresent(prefix -> sql.append(" AND type >= :type AND type < :typeEnd"));
        query.subjectPrefix().ifPresent(prefix -> sql.append(" AND subject >= :subject AND subject < :subjectEnd"));
        query.user()
                .ifPresent(user -> sql.append(" AND ")
                        .append(database.dialect().userOfActor())
                        .append(" = :user"));
        return sql.append(" ORDER BY position DESC LIMIT :limit").toString();
    }

    /** What all texts that begin with one stand before. */
    private static String end(Optional<String> prefix) {
        return prefix.orElse("") + "\uFFFF";
    }

    String sql() {
        return sql;
    }

    Reach reach() {
        return reach;
    }

    Query bindAll(Query statement) {
        for (int i = 0; i < types.size(); i++) {
            statement.bind("type" + i, types.get(i));
        }
        return statement
                .bind("project", query.project().orElse(""))
                .bind("type", query.typePrefix().orElse(""))
                .bind("typeEnd", end(query.typePrefix()))
                .bind("subject", query.subjectPrefix().orElse(""))
                .bind("subjectEnd", end(query.subjectPrefix()))
                .bind("user", query.user().map(Actor::user).orElse(""))
                .bind("before", query.before().orElse(Long.MAX_VALUE))
                .bind("limit", query.limit() + 1);
    }
}
