package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** A column that holds digests of blobs and that no schema declares lets the collector delete what is in use. */
class DigestColumnsTest {
    /** Digests of something else than a blob: of definitions, of data that others name, of events, and what may be deleted. */
    private static final Set<String> NO_BLOBS = Set.of(
            "data_set_input.digest",
            "data_set_version.digest",
            "definition.digest",
            "evaluation_data_set.digest",
            "event.digest",
            "logged_model_metric.data_set_digest",
            "pipeline.digest",
            "version.data_digest");

    @Test
    void everyColumnOfDigestsIsDeclaredAndEveryDeclaredOneIsThere() {
        Set<String> declared = Modules.SCHEMAS.stream()
                .flatMap(schema -> schema.digests().stream())
                .map(column -> column.table() + "." + column.column())
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> texts = Modules.SCHEMAS.stream()
                .flatMap(schema -> schema.digests().stream())
                .filter(column -> column.holds() == DigestColumn.Holds.TEXT)
                .map(column -> column.table() + "." + column.column())
                .collect(Collectors.toSet());
        String[] schemas = Modules.SCHEMAS.stream().map(Schema::name).toArray(String[]::new);
        try (Database database = TestDatabase.sqlite(List.of(schemas))) {
            Set<String> all = columns(database);
            Set<String> named = all.stream()
                    .filter(column -> column.endsWith("digest"))
                    .filter(column -> !NO_BLOBS.contains(column))
                    .collect(Collectors.toCollection(TreeSet::new));
            assertThat(all).containsAll(declared).containsAll(NO_BLOBS);
            declared.removeAll(texts);
            assertThat(named).isEqualTo(declared);
        }
    }

    /** A backup reads one column of a table. */
    @Test
    void aTableHasOneColumnOfWholeDigestsAtMost() {
        assertThat(Modules.SCHEMAS.stream()
                        .flatMap(schema -> schema.digests().stream())
                        .filter(column -> column.holds() != DigestColumn.Holds.TEXT)
                        .map(DigestColumn::table))
                .doesNotHaveDuplicates();
    }

    private static Set<String> columns(Database database) {
        return database.reading(
                handle -> handle.createQuery("""
                        SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'
                        """).mapTo(String.class).collect(Collectors.toCollection(TreeSet::new)));
    }
}
