package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever holds blobs: once it is deleted, a collection leaves none of them. */
class CollectedBlobsTest {
    private static final String API = "/api/tidemill/v1/projects/default";
    private static final String MLFLOW = "/api/2.0/mlflow";
    private static final String FILES = "/api/2.0/mlflow-artifacts/artifacts/";

    @TempDir
    private static Path directory;

    private static TestServer server;
    private static int content;

    private interface Holder {
        /** Stores something in blobs and deletes it. */
        void use();
    }

    @BeforeAll
    static void start() {
        server = TestServer.start(directory, Map.of());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    static Stream<Named<Holder>> holders() {
        return Stream.of(
                Named.of("a file", () -> {
                    put("a/file");
                    put("a/file");
                    send("DELETE", FILES + "a/file", "");
                }),
                Named.of("a model version", () -> {
                    version("deleted-version");
                    send("DELETE", MLFLOW + "/model-versions/delete", "{'name': 'deleted-version', 'version': '1'}");
                }),
                Named.of("a model", () -> {
                    version("deleted-model");
                    send("DELETE", MLFLOW + "/registered-models/delete", "{'name': 'deleted-model'}");
                }),
                Named.of("a model with a deleted version", () -> {
                    version("both");
                    send("DELETE", MLFLOW + "/model-versions/delete", "{'name': 'both', 'version': '1'}");
                    send("DELETE", MLFLOW + "/registered-models/delete", "{'name': 'both'}");
                }),
                Named.of("a version that is refused", () -> {
                    put("refused/MLmodel");
                    server.post(
                            MLFLOW + "/model-versions/create",
                            json("{'name': 'not-there', 'source': 'mlflow-artifacts:/refused'}"));
                    send("DELETE", FILES + "refused", "");
                }),
                Named.of("a run", () -> {
                    JsonNode run = send("POST", MLFLOW + "/runs/create", "{'experiment_id': '0'}")
                            .at("/run/info");
                    put(own(run.path("artifact_uri")) + "/file");
                    send(
                            "POST",
                            MLFLOW + "/runs/delete",
                            "{'run_id': '" + run.path("run_id").asText() + "'}");
                    purge();
                }),
                Named.of("a logged model", () -> {
                    JsonNode model = send("POST", MLFLOW + "/logged-models", "{'experiment_id': '0', 'name': 'm'}")
                            .at("/model/info");
                    put(own(model.path("artifact_uri")) + "/MLmodel");
                    send(
                            "DELETE",
                            MLFLOW + "/logged-models/" + model.path("model_id").asText(),
                            "");
                    purge();
                }),
                Named.of("a trace", () -> {
                    String id = trace("tr-1");
                    send(
                            "POST",
                            MLFLOW + "/traces/delete-traces",
                            "{'experiment_id': '0', 'request_ids': ['" + id + "']}");
                }),
                Named.of("traces by their age", () -> {
                    trace("tr-2");
                    send(
                            "POST",
                            MLFLOW + "/traces/delete-traces",
                            "{'experiment_id': '0', 'max_timestamp_millis': 4000000000000}");
                }),
                Named.of("an upload that is given up", () -> {
                    String id = upload("given/up");
                    send("DELETE", API + "/uploads/" + id, "");
                }),
                Named.of("an upload whose part was sent again", () -> {
                    String id = upload("sent/again");
                    part(id);
                    send("POST", API + "/uploads/" + id + "/complete", "{}");
                    send("DELETE", FILES + "sent/again", "");
                }),
                Named.of("a blob that nothing names", () -> blob("x,y\n1,2\n")),
                Named.of("a data set's file that another takes the place of", () -> {
                    define("");
                    define("x,y\n1,2\n");
                    define("");
                }));
    }

    /** A misspelt field would remove what was to be looked at alone. */
    @ParameterizedTest
    @ValueSource(strings = {"/api/tidemill/v1/collect", API + "/purge"})
    void fieldsThatNobodyReadsAreRefused(String route) {
        HttpResponse<String> answer =
                server.call("POST", route, Optional.empty(), json("{'all': true, 'graceHours': 0, 'dryrun': true}"));
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.body()).contains("There is no field '").contains("dryRun");
    }

    @ParameterizedTest
    @MethodSource("holders")
    void whatItHeldIsGoneOnceItIsDeleted(Holder holder) throws Exception {
        collect();
        long before = blobs();
        holder.use();
        assertThat(blobs()).as("blobs that are stored").isGreaterThan(before);
        collect();
        assertThat(blobs()).as("blobs that are left").isEqualTo(before);
    }

    private static long blobs() throws IOException {
        try (var files = Files.walk(directory.resolve("artifacts"))) {
            return files.filter(Files::isRegularFile).count();
        }
    }

    private static void collect() {
        send("POST", "/api/tidemill/v1/collect", "{'graceHours': 0}");
    }

    private static void purge() {
        send("POST", API + "/purge", "{'all': true}");
    }

    private static String json(String text) {
        return text.replace('\'', '"');
    }

    private static JsonNode send(String method, String path, String body) {
        HttpResponse<String> answer = server.call(method, path, Optional.empty(), json(body));
        assertThat(answer.statusCode())
                .as("%s %s: %s", method, path, answer.body())
                .isBetween(200, 299);
        return answer.body().isEmpty() ? Json.object() : Json.read(answer.body(), JsonNode.class);
    }

    /** Contents are never the same, so that each is a blob of its own. */
    private static void put(String path) {
        send("PUT", FILES + path, "content " + content++);
    }

    private static String own(JsonNode uri) {
        return uri.asText().replaceFirst("^mlflow-artifacts:/", "");
    }

    private static void version(String model) {
        put(model + "/files/MLmodel");
        put(model + "/files/model.pkl");
        send("POST", MLFLOW + "/registered-models/create", "{'name': '" + model + "'}");
        send(
                "POST",
                MLFLOW + "/model-versions/create",
                "{'name': '" + model + "', 'source': 'mlflow-artifacts:/" + model + "/files'}");
        send("DELETE", FILES + model, "");
    }

    private static String trace(String id) {
        JsonNode trace = send(
                "POST",
                "/api/3.0/mlflow/traces",
                "{'trace': {'trace_info': {'trace_id': '" + id + "', 'state': 'OK',"
                        + " 'request_time': '2026-11-01T10:00:00Z', 'trace_location': {'type': 'MLFLOW_EXPERIMENT',"
                        + " 'mlflow_experiment': {'experiment_id': '0'}}}}}");
        put(own(trace.at("/trace/trace_info/tags/mlflow.artifactLocation")) + "/traces.json");
        return id;
    }

    private static String upload(String path) {
        String id = send("POST", API + "/uploads", "{'path': '" + path + "'}")
                .path("id")
                .asText();
        part(id);
        return id;
    }

    private static void part(String upload) {
        send("PUT", "/api/tidemill/v1/parts/" + upload + "/1", "part " + content++);
    }

    private static String blob(String text) {
        return send("POST", API + "/blobs", text).path("digest").asText();
    }

    /** A data set with a CSV file, or without a source. */
    private static void define(String csv) {
        String source = csv.isEmpty() ? "" : "source: {file: data.csv}\n";
        String blobs = csv.isEmpty() ? "" : "'data.csv': '" + blob(csv) + "'";
        send(
                "POST",
                API + "/definitions",
                "{'files': {'rows.yaml': "
                        + Json.write("kind: DataSet\nname: rows\n" + source
                                + "columns: {x: {type: long}, y: {type: long}}\n")
                        + "}, 'blobs': {" + blobs + "}}");
    }
}
