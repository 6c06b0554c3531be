package dev.tidemill.platform.events;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.outbound.OutboundHttp;
import dev.tidemill.platform.secrets.SecretCipher;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deliveries to receivers of which some take their time. */
class WebhookTurnsTest {
    private static final int EVENTS = 25;
    private static final int STALLED = 10;

    @TempDir
    Path directory;

    private final CountDownLatch release = new CountDownLatch(1);
    private final AtomicInteger stalled = new AtomicInteger();
    private final AtomicInteger together = new AtomicInteger();
    private final AtomicInteger mostTogether = new AtomicInteger();
    private final Map<String, List<String>> received = new ConcurrentHashMap<>();
    private Database database;
    private SqlEventLog log;
    private HttpServer receiver;
    private OutboundHttp http;
    private Webhooks webhooks;

    @BeforeEach
    void start() throws IOException {
        database = TestDatabase.sqlite(List.of("platform"));
        log = new SqlEventLog(database, Clock.systemUTC());
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        receiver.createContext("/stall", this::stall);
        receiver.createContext("/take", this::take);
        receiver.start();
        var destinations =
                new Destinations(List.of("127.0.0.1:" + receiver.getAddress().getPort()));
        http = new OutboundHttp(destinations);
        var store = new WebhookStore(database, SecretCipher.of(Optional.empty(), directory.resolve("secrets.key")));
        webhooks = new Webhooks(store, log, http, destinations, Clock.systemUTC());
        webhooks.start();
    }

    @AfterEach
    void stop() {
        release.countDown();
        webhooks.close();
        http.close();
        receiver.stop(0);
        database.close();
    }

    private void stall(HttpExchange exchange) throws IOException {
        stalled.incrementAndGet();
        try {
            release.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        exchange.close();
    }

    private void take(HttpExchange exchange) throws IOException {
        mostTogether.accumulateAndGet(together.incrementAndGet(), Math::max);
        byte[] body = exchange.getRequestBody().readAllBytes();
        received.computeIfAbsent(exchange.getRequestURI().getPath(), path -> new CopyOnWriteArrayList<>())
                .add(Json.read(new String(body, java.nio.charset.StandardCharsets.UTF_8))
                        .path("subject")
                        .asText());
        together.decrementAndGet();
        exchange.sendResponseHeaders(204, -1);
        exchange.close();
    }

    private void hook(String project, String path) {
        webhooks.create(project, "http://127.0.0.1:" + receiver.getAddress().getPort() + path, List.of());
    }

    private List<String> received(String path) {
        return received.getOrDefault(path, List.of());
    }

    @Test
    void aReceiverThatStallsDelaysItsOwnWebhookAlone() {
        for (int i = 0; i < STALLED; i++) {
            hook("a", "/stall/" + i);
        }
        hook("a", "/take/a");
        hook("b", "/take/b");
        var subjects = new CopyOnWriteArrayList<String>();
        for (int i = 0; i < EVENTS; i++) {
            String subject = "thing/" + i;
            subjects.add(subject);
            for (String project : List.of("a", "b")) {
                database.write(() -> {
                    log.append(Event.of("thing.made", project, subject, "user:ada", Map.of()));
                    return true;
                });
            }
        }
        Await.until(
                "the others have theirs",
                () -> received("/take/a").size() >= EVENTS
                        && received("/take/b").size() >= EVENTS);
        assertThat(received("/take/a")).isEqualTo(subjects);
        assertThat(received("/take/b")).isEqualTo(subjects);
        assertThat(stalled)
                .as("each stalled one was asked once, and no more while it is")
                .hasValueBetween(1, STALLED);
        assertThat(mostTogether).as("one delivery a webhook").hasValueLessThanOrEqualTo(2);
        assertThat(webhooks.list("a"))
                .filteredOn(webhook -> webhook.url().contains("/stall"))
                .allMatch(webhook -> webhook.delivered() == 0);
    }
}
