package dev.tidemill.registry.store;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.search.Comparison;
import dev.tidemill.platform.search.Comparison.Operator;
import dev.tidemill.platform.search.Ordering;
import dev.tidemill.platform.sql.Dialect;
import dev.tidemill.platform.sql.SqlCondition;
import dev.tidemill.registry.domain.RegisteredModel;
import dev.tidemill.registry.domain.RegistryKeys;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Writes a search of models, or of versions, as SQL. */
final class RegistrySearchSql {
    private static final Map<String, String> MODEL_COLUMNS =
            Map.of("name", "m.name", "last_updated_timestamp", "m.updated_at");
    private static final Map<String, String> VERSION_COLUMNS = Map.of(
            "name", "v.model",
            "run_id", "v.run_id",
            "source_path", "v.source",
            "version_number", "v.version",
            "creation_timestamp", "v.created_at",
            "last_updated_timestamp", "v.updated_at");

    private final SqlCondition condition;
    private final boolean versions;

    RegistrySearchSql(Dialect dialect, boolean versions) {
        this.condition = new SqlCondition(dialect);
        this.versions = versions;
    }

    SqlCondition values() {
        return condition;
    }

    /** Models behind one by its name, however many are before it. */
    void after(String name, boolean ascending) {
        condition.and("m.name " + (ascending ? "> " : "< ") + condition.bind(name));
    }

    String write(String project, List<Comparison> filter, List<Ordering> order, long offset, int limit) {
        String table = versions ? "v" : "m";
        condition.and(table + ".project = " + condition.bind(project));
        if (versions) {
            condition.and("NOT v.deleted");
        }
        for (Comparison clause : filter) {
            condition.and(
                    clause.entity().equals(RegistryKeys.TAG)
                            ? tag(clause)
                            : condition.compare(column(clause.key()), clause.operator(), clause.operand()));
        }
        var keys = new ArrayList<String>();
        for (Ordering ordering : order) {
            if (ordering.entity().equals(RegistryKeys.TAG)) {
                throw TidemillException.invalid("order_by", "Invalid order_by entity: tags order nothing here");
            }
            keys.add(column(ordering.key()) + (ordering.ascending() ? " ASC" : " DESC"));
        }
        keys.add(versions ? "v.model ASC, v.version DESC" : "m.name ASC");
        return "SELECT " + table + ".* FROM " + (versions ? "version v" : "model m") + condition + " ORDER BY "
                + String.join(", ", keys) + " LIMIT " + limit + " OFFSET " + offset;
    }

    private String column(String key) {
        return String.valueOf((versions ? VERSION_COLUMNS : MODEL_COLUMNS).get(key));
    }

    private String tag(Comparison clause) {
        String owner = versions
                ? "t.project = v.project AND t.model = v.model AND t.version = v.version"
                : "t.project = m.project AND t.model = m.name AND t.version = 0";
        String exists =
                "EXISTS (SELECT 1 FROM model_tag t WHERE " + owner + " AND t.name = " + condition.bind(clause.key());
        // What is no prompt has no such tag: there, and only there, a missing tag differs from 'true'.
        if (clause.key().equals(RegisteredModel.PROMPT_TAG)
                && clause.operand() instanceof Comparison.Text(String text)) {
            boolean wantsPrompts = clause.operator() == Operator.EQUAL == text.equals("true");
            return (wantsPrompts ? "" : "NOT ") + exists + " AND t.value = 'true')";
        }
        return exists + " AND " + condition.compare("t.value", clause.operator(), clause.operand()) + ")";
    }
}
