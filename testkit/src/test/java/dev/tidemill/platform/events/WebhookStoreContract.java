package dev.tidemill.platform.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.outbound.OutboundHttp;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.secrets.SecretCipher;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.Contention;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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
                Instant.EPOCH,
                Optional.empty());
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

    private Webhooks webhooks(SqlEventLog log) {
        var destinations = new Destinations(List.of("127.0.0.1"));
        return new Webhooks(store, log, new OutboundHttp(destinations), destinations, Clock.systemUTC());
    }

    private static Webhook.Settings to(HttpServer receiver, String secret) {
        String url = "http://127.0.0.1:" + receiver.getAddress().getPort() + "/";
        return new Webhook.Settings("", "", url, secret, List.of(), true);
    }

    private static HttpServer receiver() throws IOException {
        HttpServer receiver = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        receiver.createContext("/", exchange -> {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        receiver.start();
        return receiver;
    }

    /** Each of them broke the delivery to all webhooks, and kept every event for ever. */
    @Test
    void oneThatCannotBeUsedIsMarkedAndHoldsNothingUp() throws IOException {
        var log = new SqlEventLog(database, Clock.systemUTC());
        HttpServer receiver = receiver();
        try (Webhooks webhooks = webhooks(log)) {
            String otherKey = webhooks.create("a", WebhookFormat.CLOUD_EVENTS, to(receiver, "s"))
                    .id();
            String garbage = webhooks.create("a", WebhookFormat.CLOUD_EVENTS, to(receiver, "s"))
                    .id();
            String format = webhooks.create("a", "of a later version", to(receiver, "s"))
                    .id();
            String well = webhooks.create("a", WebhookFormat.CLOUD_EVENTS, to(receiver, "s"))
                    .id();
            var other = SecretCipher.of(Optional.empty(), directory.resolve("other.key"));
            database.writing(handle ->
                    handle.execute("UPDATE webhook SET sealed_secret = ? WHERE id = ?", other.encrypt("s"), otherKey));
            database.writing(
                    handle -> handle.execute("UPDATE webhook SET sealed_secret = 'garbage' WHERE id = ?", garbage));
            webhooks.start();
            database.write(() -> log.append(Event.of("model.made", "a", "model/m", "somebody", Map.of())));
            Await.until("it is delivered", () -> webhooks.get("a", well).delivered() == 1);
            Await.until("three are marked", () -> webhooks.broken() == 3);
            assertThat(webhooks.get("a", otherKey).broken())
                    .hasValueSatisfying(why -> assertThat(why).contains("another key", "secrets.key"));
            assertThat(webhooks.get("a", garbage).broken()).isPresent();
            assertThat(webhooks.get("a", format).broken())
                    .hasValueSatisfying(why -> assertThat(why).contains("of a later version"));
            assertThat(webhooks.get("a", well).broken()).isEmpty();
            assertThatThrownBy(() ->
                            webhooks.send(webhooks.get("a", otherKey), new WebhookFormat.Message("a/b", new byte[0])))
                    .hasMessageContaining("another key");

            // Something else than its secret is changed: what cannot be read stays.
            webhooks.change("a", otherKey, webhooks.get("a", otherKey).settings());
            assertThat(other.find(sealed(otherKey))).hasValue("s");

            // What waits for it is delivered once it has a secret that can be read.
            webhooks.change("a", otherKey, to(receiver, "new"));
            Await.until(
                    "what waited is delivered",
                    () -> webhooks.get("a", otherKey).delivered() == 1);
            Await.until("it works again", () -> webhooks.broken() == 2);

            Kept events = new SqlEventRetention(database)
                    .kept(Optional.of(Duration.ofDays(1)), Duration.ofDays(1))
                    .getFirst();
            assertThat(events.collect(Instant.now().plus(Duration.ofDays(2)))).isEqualTo(1);
        } finally {
            receiver.stop(0);
        }
    }

    private String sealed(String id) {
        return database.reading(handle -> handle.createQuery("SELECT sealed_secret FROM webhook WHERE id = :id")
                .bind("id", id)
                .mapTo(String.class)
                .one());
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
