package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A replay sends the label of every row that it has sent, none before its time. */
class ReplayTest {
    private static final Instant START = Instant.parse("2024-01-01T00:00:00Z");

    /** Labels and watermarks in the order in which they came. */
    private final List<String> sent = new CopyOnWriteArrayList<>();

    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] body = answer(exchange).toString().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    private JsonNode answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        JsonNode told = Api.JSON.readTree(exchange.getRequestBody());
        ObjectNode answer = Api.object();
        if (path.endsWith("/feature-views")) {
            answer.putArray("featureViews")
                    .addObject()
                    .put("name", "v")
                    .putObject("definition")
                    .put("time", "at")
                    .put("label", "y");
        } else if (path.endsWith("/compute")) {
            ArrayNode rows = answer.putArray("rows");
            told.path("rows")
                    .forEach(row ->
                            rows.addObject().put("at", row.path("at").asText()).set("y", row.path("y")));
        } else if (path.endsWith("/labels")) {
            told.path("labels").forEach(label -> sent.add(label.path("id").asText()));
        } else if (path.endsWith("/watermark")) {
            sent.add(told.path("time").asText());
            answer.put("settled", true).putObject("deployment");
        }
        return answer;
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    /** Of a row each 12 hours. */
    private void replay(int rows, Optional<Instant> until) {
        var list = new ArrayList<Map<String, String>>();
        for (int i = 0; i < rows; i++) {
            list.add(Map.of("at", START.plus(Duration.ofHours(12L * i)).toString(), "y", "1"));
        }
        var api = new Api("http://127.0.0.1:" + server.getAddress().getPort(), Optional.empty(), "default");
        var script =
                new Replay.Script("d", "v", "r", list, List.of("y"), List.of(), START, until, Duration.ofHours(36));
        new Replay(api, new Retry(Duration.ofSeconds(1)), script).run(new Progress("replay"));
    }

    @Test
    void theRestOfTheLabelsComesWhenItsTimeHasCome() {
        replay(4, Optional.empty());
        assertThat(sent)
                .containsExactly(
                        "2024-01-02T00:00:00Z",
                        "r-0",
                        "r-1",
                        "2024-01-03T00:00:00Z",
                        "r-2",
                        "r-3",
                        "2024-01-04T00:00:00Z",
                        // A window that ends with the last day waits so long for its labels.
                        "2024-01-05T00:00:00Z");
    }

    /** Rows that another replay goes on with would come after a watermark that had passed them. */
    @Test
    void beforeRowsThatAreLeftTheWatermarkStays() {
        replay(6, Optional.of(Instant.parse("2024-01-03T00:00:00Z")));
        assertThat(sent).containsExactly("2024-01-02T00:00:00Z", "r-0", "r-1", "2024-01-03T00:00:00Z", "r-2", "r-3");
    }
}
