package dev.tidemill.inference.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import dev.tidemill.inference.api.PlaneJson;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionJournal;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.journal.SegmentedLog;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.Await;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ControlPlaneSinkTest {
    @TempDir
    private Path folder;

    private record Answer(int status, String body) {}

    private final Set<String> taken = ConcurrentHashMap.newKeySet();
    private final List<Map<String, Object>> features = new CopyOnWriteArrayList<>();
    private final AtomicInteger requests = new AtomicInteger();
    private volatile Answer answer = new Answer(200, "");
    /** Ids that stand for other features there. */
    private volatile Set<String> reused = Set.of();
    /** Of which deployment there is none any more. */
    private volatile String gone = "";
    /** On which prediction it fails. */
    private volatile String broken = "";

    private HttpServer server;
    private ControlPlane control;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] sent = exchange.getRequestBody().readAllBytes();
            PlaneJson.predictions(sent).forEach(prediction -> features.add(prediction.features()));
            JsonNode predictions = Json.parseOwnObject(sent).path("predictions");
            Answer given = answer;
            if (given.status() == 200
                    && predictions.findValuesAsText("deployment").contains(gone)) {
                given = problem(404, "NOT_FOUND");
            }
            if (given.status() == 200 && predictions.findValuesAsText("id").contains(broken)) {
                given = problem(500, "INTERNAL");
            }
            if (given.status() == 200) {
                given = new Answer(200, Json.write(take(predictions)));
            }
            requests.incrementAndGet();
            byte[] body = given.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(given.status(), body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        control = new ControlPlane("http://127.0.0.1:" + server.getAddress().getPort(), Optional.of("secret"));
    }

    private ObjectNode take(JsonNode predictions) {
        int written = 0;
        var others = new ArrayList<Integer>();
        for (int place = 0; place < predictions.size(); place++) {
            String id = predictions.get(place).path("id").asText();
            if (reused.contains(id)) {
                others.add(place);
            } else if (taken.add(id)) {
                written++;
            }
        }
        ObjectNode json = Json.object().put("written", written);
        json.set("reused", Json.tree(others));
        return json;
    }

    @AfterEach
    void stop() {
        control.close();
        server.stop(0);
    }

    private static Answer problem(int status, String code) {
        return new Answer(status, "{\"status\":" + status + ",\"code\":\"" + code + "\",\"detail\":\"told so\"}");
    }

    private static Prediction prediction(String deployment, String id) {
        return new Prediction(
                "default",
                deployment,
                id,
                Instant.parse("2026-01-02T03:04:05Z"),
                Instant.parse("2026-01-02T03:04:06Z"),
                Map.of("age", 41.5),
                false,
                1,
                List.of(0.25),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    @ParameterizedTest
    @CsvSource({
        "401, UNAUTHENTICATED, UNAVAILABLE",
        "403, PERMISSION_DENIED, UNAVAILABLE",
        "403, FORBIDDEN_ORIGIN, UNAVAILABLE",
        "404, NOT_FOUND, NOT_FOUND",
        "404, '', UNAVAILABLE",
        "400, INVALID_ARGUMENT, INVALID_ARGUMENT",
        "400, INVALID_DATA, INVALID_DATA",
        "400, NOT_FOUND, UNAVAILABLE",
        "408, TOO_SLOW, UNAVAILABLE",
        "409, CONFLICT, CONFLICT",
        "413, TOO_LARGE, TOO_LARGE",
        "413, '', TOO_LARGE",
        "429, RATE_LIMITED, UNAVAILABLE",
        "499, CANCELLED, UNAVAILABLE",
        "500, INTERNAL, INTERNAL",
        "500, '', UNAVAILABLE",
        "502, '', UNAVAILABLE",
        "507, STORAGE_FULL, UNAVAILABLE"
    })
    void onlyWhatIsSaidOfTheRequestKeepsItsCode(int status, String code, ErrorCode expected) {
        answer = code.isEmpty() ? new Answer(status, "<html>a proxy</html>") : problem(status, code);
        var sink = new ControlPlaneSink(control);
        assertThatThrownBy(() -> sink.append(List.of(prediction("d", "a"))))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(expected));
    }

    /** A server with a database beside its models keeps such a text too. */
    @Test
    void anyTextOfAPredictionComesThrough() {
        Prediction plain = prediction("d", "a");
        var odd = new Prediction(
                plain.project(),
                plain.deployment(),
                plain.id(),
                plain.eventTime(),
                plain.receivedAt(),
                Map.of("city", "a\0b"),
                plain.challengerServed(),
                plain.championVersion(),
                plain.champion(),
                plain.challengerVersion(),
                plain.challenger(),
                plain.challengerError());
        assertThat(new ControlPlaneSink(control).append(List.of(odd)).written()).isEqualTo(1);
        assertThat(features).containsExactly(Map.of("city", "a\0b"));
    }

    @Test
    void aPredictionOnWhichTheControlPlaneFailsHoldsNoOthersUp() {
        broken = "b";
        try (var journal = new PredictionJournal(new ControlPlaneSink(control), new SegmentedLog(folder, 1 << 20))) {
            journal.begin(List.of(prediction("d", "a"), prediction("d", "b"), prediction("d", "c")), true)
                    .complete();
            journal.flush("default", "d");
            assertThat(taken).containsExactlyInAnyOrder("a", "c");
            assertThat(journal.dropped("default", "d")).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"401, UNAUTHENTICATED", "403, PERMISSION_DENIED", "409, FAILED_PRECONDITION", "429, RATE_LIMITED"})
    void noPredictionIsLostWhileTheControlPlaneRefusesTheGateway(int status, String code) {
        answer = problem(status, code);
        try (var journal = new PredictionJournal(new ControlPlaneSink(control), new SegmentedLog(folder, 1 << 20))) {
            journal.begin(List.of(prediction("d", "a"), prediction("d", "b")), true)
                    .complete();
            Await.until("it was refused", () -> requests.get() > 0);
            answer = new Answer(200, "");
            Await.until("both are there", () -> taken.size() == 2);
            assertThat(journal.dropped()).isZero();
        }
    }

    @Test
    void predictionsOfADeploymentThatIsGoneHoldNoOthersUpAndAreCounted() {
        gone = "gone";
        try (var journal = new PredictionJournal(new ControlPlaneSink(control), new SegmentedLog(folder, 1 << 20))) {
            for (int i = 0; i < 50; i++) {
                journal.begin(List.of(prediction(i == 20 ? "gone" : "d", "p" + i)), true)
                        .complete();
            }
            Await.until("all others are there", () -> taken.size() == 49);
            Await.until("one is counted", () -> journal.dropped("default", "gone") == 1);
            assertThat(journal.dropped("default", "d")).isZero();
        }
    }

    @Test
    void whatTheControlPlaneHasUnderAnotherAnswersIdIsCountedAsLost() {
        reused = Set.of("b");
        var batch = List.of(prediction("d", "a"), prediction("d", "b"), prediction("d", "c"), prediction("d", "a"));
        assertThat(new ControlPlaneSink(control).append(batch))
                .isEqualTo(new PredictionSink.Taken(2, List.of(batch.get(1))));
        try (var journal = new PredictionJournal(new ControlPlaneSink(control), new SegmentedLog(folder, 1 << 20))) {
            journal.begin(batch, true).complete();
            journal.flush("default", "d");
            assertThat(journal.dropped("default", "d")).isEqualTo(1);
            assertThat(journal.isLost("default", "d", "b")).isTrue();
        }
    }
}
