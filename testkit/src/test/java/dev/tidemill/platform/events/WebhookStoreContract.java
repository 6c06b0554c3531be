package dev.tidemill.platform.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.secrets.SecretCipher;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the store of webhooks does on each database. */
abstract class WebhookStoreContract {
    private Database database;
    private WebhookStore store;

    abstract Database open();

    @TempDir
    Path directory;

    @BeforeEach
    void start() {
        database = open();
        store = new WebhookStore(database, SecretCipher.of(Optional.empty(), directory.resolve("secrets.key")));
    }

    @AfterEach
    void stop() {
        // It was never opened where its server is not here and the test was skipped.
        if (database != null) {
            database.close();
        }
    }

    private static Webhook webhook(String id, String project) {
        return new Webhook(
                id,
                project,
                "https://example.org/hook",
                "secret",
                List.of("model."),
                Instant.EPOCH,
                7,
                0,
                0,
                0,
                0,
                "",
                "",
                "",
                WebhookFormat.CLOUD_EVENTS,
                true,
                java.time.Instant.EPOCH);
    }

    @Test
    void whatWasInsertedIsListedInItsProjectOnly() {
        store.insert(webhook("1", "a"));
        store.insert(webhook("2", "b"));
        assertThat(store.list("a")).containsExactly(webhook("1", "a"));
        assertThat(store.delete("a", "2")).isFalse();
        assertThat(store.delete("a", "1")).isTrue();
        assertThat(store.list("a")).isEmpty();
    }

    @Test
    void aFailedOneIsDueAgainAtItsTime() {
        store.insert(webhook("1", "a"));
        Webhook failed = webhook("1", "a").failed(5_000, "the receiver answered 500");
        store.update(failed);
        assertThat(store.due(Instant.ofEpochMilli(4_999))).isEmpty();
        assertThat(store.due(Instant.ofEpochMilli(5_000))).containsExactly(failed);
        store.update(failed.delivered(9));
        assertThat(store.due(Instant.EPOCH)).containsExactly(failed.delivered(9));
    }

    @Test
    void webhooksFromAllSidesAreKeptAndDeletedOnce() {
        Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            store.insert(webhook(thread + "/" + turn, "a"));
                            return true;
                        }))
                .allAnswered();
        assertThat(store.list("a")).hasSize(5 * Contention.THREADS);
        var deleted = Contention.of(5, (thread, turn) -> database.write(() -> store.delete("a", "0/" + turn)))
                .allAnswered();
        assertThat(deleted.stream().filter(yes -> yes)).hasSize(5);
    }
}
