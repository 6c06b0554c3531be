package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.SharedData;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Walks every route of our own API with a field and a query parameter that nobody reads; what is read is what the contract says. */
class UnknownInputsTest {
    private static final String OWN = "/api/tidemill/";

    /** Bodies with a form of their own: CloudEvents, a gateway's journal, and MLflow's messages, as lenient as their peers. */
    private static final Set<String> OTHER_FORMS = Set.of(
            "POST /api/tidemill/v1/events",
            "POST /api/tidemill/v1/plane/predictions",
            "POST /api/tidemill/v1/projects/{project}/import/experiments",
            "POST /api/tidemill/v1/projects/{project}/import/logged-models",
            "POST /api/tidemill/v1/projects/{project}/import/models",
            "POST /api/tidemill/v1/projects/{project}/import/points",
            "POST /api/tidemill/v1/projects/{project}/import/runs",
            "POST /api/tidemill/v1/projects/{project}/import/traces",
            "POST /api/tidemill/v1/projects/{project}/import/versions",
            // Files.
            "POST /api/tidemill/v1/projects/{project}/blobs",
            "PUT /api/tidemill/v1/parts/{upload}/{number}",
            "PUT /api/tidemill/v1/projects/{project}/uploads/{upload}/parts/{number}",
            "PUT /api/tidemill/v1/transfers/{project}/{expires}/{signature}/<path>");

    private static TestServer server;
    private static JsonNode contract;

    @BeforeAll
    static void start() throws Exception {
        server = TestServer.start(Map.of());
        contract = Json.tree(
                new Load(LoadSettings.builder().setCodePointLimit(10_000_000).build())
                        .loadFromString(Files.readString(SharedData.repository().resolve("spec/openapi.yaml"))));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static List<Route> routes() {
        return server.server.manifest().routes().stream()
                .filter(route -> route.path().startsWith(OWN))
                .toList();
    }

    private static String path(Route route) {
        return route.path()
                .replace("{project}", "default")
                .replaceAll("\\{[a-z]*[dD]igest}", "0".repeat(64))
                .replaceAll("[{<][A-Za-z]+[}>]", "1");
    }

    private static JsonNode operation(Route route) {
        return contract.path("paths")
                .path(route.path().replace('<', '{').replace('>', '}'))
                .path(route.method().name().toLowerCase(Locale.ROOT));
    }

    private static Set<String> fields(Route route) {
        JsonNode schema = operation(route).at("/requestBody/content/application~1json/schema");
        String reference = schema.path("$ref").asText();
        JsonNode resolved = reference.isEmpty() ? schema : contract.at(reference.substring(1));
        var names = new TreeSet<String>();
        resolved.path("properties").fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static Set<String> parameters(Route route) {
        return new TreeSet<>(
                StreamSupport.stream(operation(route).path("parameters").spliterator(), false)
                        .filter(parameter -> parameter.path("in").asText().equals("query"))
                        .map(parameter -> parameter.path("name").asText())
                        .toList());
    }

    private static void expectRefusal(
            List<String> wrong, Route route, HttpResponse<String> answer, String what, Set<String> known) {
        String detail = answer.statusCode() == 400
                ? Json.read(answer.body()).path("detail").asText()
                : answer.body();
        String named = known.isEmpty() ? "none" : known.toString();
        if (answer.statusCode() != 400 || !detail.contains(what) || !detail.contains(named)) {
            wrong.add(route.signature() + ": " + answer.statusCode() + " " + detail + ", not a refusal of " + what
                    + " that names " + named);
        }
    }

    @Test
    void aFieldThatNobodyReadsIsRefusedByTheNamesThatTheContractHas() {
        var wrong = new ArrayList<String>();
        for (Route route : routes()) {
            String method = route.method().name();
            if (Set.of("POST", "PUT", "PATCH").contains(method) && !OTHER_FORMS.contains(route.signature())) {
                HttpResponse<String> answer =
                        server.call(method, path(route), Optional.empty(), "{\"no_such_field\": 1}");
                expectRefusal(wrong, route, answer, "'no_such_field'", fields(route));
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void aQueryParameterThatNobodyReadsIsRefusedByTheNamesThatTheContractHas() {
        var wrong = new ArrayList<String>();
        for (Route route : routes()) {
            // A stream that is not refused never ends.
            HttpResponse<String> answer = assertTimeoutPreemptively(
                    Duration.ofSeconds(20),
                    () -> server.call(
                            route.method().name(), path(route) + "?no_such_parameter=1", Optional.empty(), ""),
                    route.signature());
            expectRefusal(wrong, route, answer, "'no_such_parameter'", parameters(route));
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void protocolsOfOthersIgnoreWhatTheyDoNotKnow() {
        assertThat(server.post("/api/2.0/mlflow/experiments/search", "{\"max_results\": 1, \"no_such_field\": 1}")
                        .statusCode())
                .isEqualTo(200);
        assertThat(server.get("/api/2.0/mlflow/experiments/get?experiment_id=0&no_such_parameter=1")
                        .statusCode())
                .isEqualTo(200);
        assertThat(server.get("/v2/health/ready?no_such_parameter=1").statusCode())
                .isEqualTo(200);
        assertThat(server.post("/v2/repository/index", "{\"no_such_field\": 1}").statusCode())
                .isEqualTo(200);
    }

    @Test
    void whatIsOfAnotherKindThanItsFieldIsRefused() {
        String runs = "/api/tidemill/v1/projects/default/runs/";
        for (String[] call : new String[][] {
            {runs + "bulk", "{\"action\": \"delete\", \"runs\": \"one\", \"filter\": \"\"}", "'runs'"},
            {runs + "search", "{\"limit\": \"ten\"}", "'limit'"},
            {runs + "search", "{\"order\": \"start_time\"}", "'order'"},
            {runs + "names", "{\"experiments\": {\"a\": 1}}", "'experiments'"},
            {runs + "curves", "{\"runs\": [\"a\"], \"metric\": \"m\", \"first\": 1.5}", "'first'"},
            {"/api/tidemill/v1/projects/default/pipelines/p/runs", "{\"parameters\": {\"depth\": [1]}}", "parameters"},
            {"/api/tidemill/v1/projects/default/definitions", "{\"files\": {\"a.yaml\": {\"kind\": 1}}}", "files"},
            {
                "/api/tidemill/v1/projects/default/deployments/d/labels",
                "{\"labels\": [{\"id\": \"a\", \"value\": 1, \"no_such_field\": 1}]}",
                "'no_such_field'"
            },
        }) {
            HttpResponse<String> answer = server.post(call[0], call[1]);
            assertThat(answer.statusCode()).as(call[1] + answer.body()).isEqualTo(400);
            assertThat(answer.body()).contains(call[2]);
        }
        assertThat(server.get("/api/tidemill/v1/projects/default/experiments?deleted=maybe")
                        .statusCode())
                .isEqualTo(400);
        assertThat(server.get("/api/tidemill/v1/projects/default/runs?limit=1&limit=2")
                        .body())
                .contains("2 times");
    }

    @Test
    void theListsOfOtherFormsNameRoutesThatThereAre() {
        assertThat(routes().stream().map(Route::signature)).containsAll(OTHER_FORMS);
        assertThat(List.copyOf(routes().stream()
                        .map(UnknownInputsTest::operation)
                        .filter(JsonNode::isMissingNode)
                        .toList()))
                .isEmpty();
    }
}
