package dev.tidemill.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is sent, and what is made of answers; the real server's are in {@code e2e}. */
class TidemillClientTest {
    private record Canned(int status, String body) {}

    private final Deque<Canned> answers = new ArrayDeque<>();
    private HttpServer server;
    private volatile String path = "";
    private volatile @Nullable String authorization;
    private volatile JsonNode sent = new ObjectMapper().nullNode();

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            path = exchange.getRequestURI().getRawPath();
            authorization = exchange.getRequestHeaders().getFirst("Authorization");
            byte[] body = exchange.getRequestBody().readAllBytes();
            sent = body.length == 0 ? sent : new ObjectMapper().readTree(body);
            Canned answer = answers.remove();
            byte[] content = answer.body().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().add("Retry-After", "0");
            exchange.sendResponseHeaders(answer.status(), content.length);
            exchange.getResponseBody().write(content);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private TidemillClient client() {
        return TidemillClient.at("http://127.0.0.1:" + server.getAddress().getPort() + "/")
                .project("sea")
                .token("secret")
                .timeout(Duration.ofSeconds(10))
                .build();
    }

    /** The time for a call is for the whole answer, not for its head alone. */
    @Test
    @Timeout(value = 30, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void anAnswerThatDripsIsLeftWhenTheTimeIsOver() {
        server.createContext("/v2/models/sea~slow/infer", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            try (exchange) {
                while (true) {
                    exchange.getResponseBody().write(' ');
                    exchange.getResponseBody().flush();
                    Thread.sleep(20);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        TidemillClient impatient = TidemillClient.at(
                        "http://127.0.0.1:" + server.getAddress().getPort())
                .project("sea")
                .timeout(Duration.ofMillis(300))
                .build();
        assertThatThrownBy(() -> impatient.predict("slow", List.of(Map.of("x", 1.0))))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("PT0.3S");
    }

    @Test
    void rowsAreSentByColumnAndAnswersAreReadByRow() {
        answers.add(new Canned(200, """
                {"id": "x", "model_version": "7", "parameters": {"route": "challenger"},
                 "outputs": [{"name": "p", "shape": [2, 2], "datatype": "FP64", "data": [0.25, 0.75, null, 1]}]}"""));
        Map<String, @Nullable Object> second = new HashMap<>();
        second.put("wind", 3.5);
        second.put("calm", null);
        List<Prediction> predictions = client().predict(
                        "tide one",
                        List.of(Map.of("wind", 2, "harbour", "north", "calm", true), second),
                        new TidemillClient.Options("best", "x", "ship", Instant.EPOCH));
        assertThat(path).isEqualTo("/v2/models/sea~tide%20one/versions/best/infer");
        assertThat(authorization).isEqualTo("Bearer secret");
        assertThat(sent.path("id").asText()).isEqualTo("x");
        assertThat(sent.path("parameters").path("entity").asText()).isEqualTo("ship");
        assertThat(sent.path("parameters").path("event_time").asText()).isEqualTo("1970-01-01T00:00:00Z");
        Map<String, String> columns = new HashMap<>();
        sent.path("inputs")
                .forEach(one -> columns.put(
                        one.path("name").asText(), one.path("datatype").asText() + one.path("data")));
        assertThat(columns)
                .containsEntry("wind", "FP64[2,3.5]")
                .containsEntry("harbour", "BYTES[\"north\",null]")
                .containsEntry("calm", "FP64[1,null]");
        assertThat(predictions).hasSize(2);
        assertThat(predictions.get(0).id()).isEqualTo("x.0");
        assertThat(predictions.get(0).route()).isEqualTo("challenger");
        assertThat(predictions.get(0).values()).containsExactly(0.25, 0.75);
        assertThat(predictions.get(1).values()).containsExactly(null, 1L);
    }

    @Test
    void aBusyServerIsAskedAgain() {
        answers.add(new Canned(503, "{\"error\": \"busy\"}"));
        answers.add(new Canned(503, "{\"error\": \"busy\"}"));
        answers.add(new Canned(200, "{\"id\": \"i\", \"outputs\": [{\"data\": [4.5]}]}"));
        assertThat(client().predict("tide", Map.of("wind", 1.0)).number()).isEqualTo(4.5);
        assertThat(answers).isEmpty();
    }

    @Test
    void aRefusalSaysWhy() {
        answers.add(new Canned(400, "{\"error\": \"Input 'wind' is missing\"}"));
        assertThatThrownBy(() -> client().predict("tide", Map.of("wave", 1)))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.status()).isEqualTo(400))
                .hasMessageContaining("'wind' is missing");
        assertThatThrownBy(() -> client().predict("tide", Map.of("wave", List.of(1))))
                .hasMessageContaining("'wave'");
        server.stop(0);
        assertThatThrownBy(() -> client().predict("tide", Map.of("wave", 1)))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.status()).isZero());
    }
}
