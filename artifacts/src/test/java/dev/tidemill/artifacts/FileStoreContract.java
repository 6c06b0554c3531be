package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.artifacts.store.SqlFileStore;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.store.Plans;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the store of artifacts' paths promises, on every database. */
abstract class FileStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-25T08:00:00Z");
    private static final BlobStore.Blob BLOB = new BlobStore.Blob(new Digest("0".repeat(64)), 7);
    /** Some sort before a slash and some behind it, and behind what follows it. */
    private static final List<String> NAMES =
            List.of("a", "a.txt", "a-b", "a0", "a b", "b", "ab", "0", "Z", "ü", "模", "a#", "~", "10", "9");

    private Database database;
    private FileStore store;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        store = new SqlFileStore(database);
    }

    @AfterEach
    void stop() {
        if (database != null) {
            database.close();
        }
    }

    private void put(String path) {
        if (store.obstacle("p", path).isEmpty()) {
            store.put("p", path, BLOB, NOW);
        }
    }

    @Test
    void aFolderHoldsWhatLiesDirectlyInIt() {
        var random = new Random(11);
        for (int i = 0; i < 400; i++) {
            var path = new ArrayList<String>();
            for (int depth = random.nextInt(3); depth >= 0; depth--) {
                path.add(NAMES.get(random.nextInt(NAMES.size())));
            }
            put(String.join("/", path));
        }
        for (int i = 0; i < 30; i++) {
            put("many/" + i);
            put("many/" + i + "-folder/one");
            put("many/" + i + "-folder/two");
        }
        store.put("other", "elsewhere", BLOB, NOW);
        var folders = new ArrayList<>(List.of("", "many", "none", "many/3-folder"));
        for (String first : NAMES) {
            folders.add(first);
            NAMES.forEach(second -> folders.add(first + "/" + second));
        }
        for (String folder : folders) {
            assertThat(store.list("p", folder))
                    .as(folder)
                    .isEqualTo(ArtifactTree.entries(store.below("p", folder), folder));
        }
        assertThat(store.list("p", "many")).hasSize(60);
    }

    @Test
    void whatLiesInFoldersBelowIsNotRead() {
        database.writing(handle -> {
            var batch = handle.prepareBatch(
                    "INSERT INTO artifact_file (project, path, digest, size, updated_at) VALUES ('p', ?, ?, 7, 0)");
            for (int i = 0; i < 20_000; i++) {
                batch.bind(0, "large/" + (i % 4) + "/" + i)
                        .bind(1, "0".repeat(64))
                        .add();
            }
            return batch.execute();
        });
        store.put("p", "one.txt", BLOB, NOW);
        Plans.analyze(database);
        var found = new ArrayList<String>();
        List<String> plans = Plans.of(database, () -> store.list("p", "").forEach(entry -> found.add(entry.name())));
        assertThat(found).containsExactly("large", "one.txt");
        assertThat(plans)
                .as("one read a folder")
                .hasSize(2)
                .allSatisfy(plan -> assertThat(plan)
                        .containsPattern("Index|SEARCH")
                        .doesNotContain("Seq Scan", "SCAN", "Sort", "TEMP B-TREE"));
        assertThat(Plans.of(database, () -> assertThat(store.list("p", "large")).hasSize(4)))
                .hasSize(5);
    }
}
