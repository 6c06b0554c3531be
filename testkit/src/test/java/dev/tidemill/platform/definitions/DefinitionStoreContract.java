package dev.tidemill.platform.definitions;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the store of definitions does on each database. */
abstract class DefinitionStoreContract {
    private Database database;
    private DefinitionStore store;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        store = new SqlDefinitionStore(database);
    }

    @AfterEach
    void stop() {
        // It was never opened where its server is not here and the test was skipped.
        if (database != null) {
            database.close();
        }
    }

    private static Definition definition(String kind, String name, int version, String text) {
        return new Definition(
                "a", kind, name, version, "0".repeat(64), "x/" + name + ".yaml", text, "{}", Instant.ofEpochMilli(42));
    }

    @Test
    void theNewestTextReplacesTheOlder() {
        store.save(definition("Pipeline", "train", 1, "kind: Pipeline\n"));
        store.save(definition("Pipeline", "train", 2, "kind: Pipeline # ünïcode 'quoted'\n"));
        store.save(definition("DataSet", "train", 1, "kind: DataSet\n"));
        assertThat(store.find("a", "Pipeline", "train"))
                .contains(definition("Pipeline", "train", 2, "kind: Pipeline # ünïcode 'quoted'\n"));
        assertThat(store.find("b", "Pipeline", "train")).isEmpty();
        assertThat(store.list("a")).extracting(Definition::kind).containsExactly("DataSet", "Pipeline");
    }

    @Test
    void versionsThatComeAtOnceAreCountedOneByOne() {
        Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            int next = store.find("a", "Pipeline", "train")
                                            .map(Definition::version)
                                            .orElse(0)
                                    + 1;
                            store.save(definition("Pipeline", "train", next, "by " + thread));
                            return next;
                        }))
                .allAnswered();
        assertThat(store.find("a", "Pipeline", "train").orElseThrow().version()).isEqualTo(5 * Contention.THREADS);
    }
}
