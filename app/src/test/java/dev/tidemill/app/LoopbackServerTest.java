package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.Await;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a server on loopback does, and how it refuses what it should not take. */
class LoopbackServerTest {
    private static final String PROJECT = "/api/tidemill/v1/projects/default";
    private static TestServer server;
    private static HttpServer receiver;
    private static final CopyOnWriteArrayList<String> RECEIVED = new CopyOnWriteArrayList<>();

    @TempDir
    Path directory;

    @BeforeAll
    static void start() throws IOException {
        receiver = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        receiver.createContext("/hook", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            RECEIVED.add(exchange.getRequestHeaders().getFirst("Tidemill-Signature") + " " + body);
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        receiver.start();
        server = TestServer.start(Map.of(
                Setting.TESTING,
                "true",
                Setting.OUTBOUND_ALLOW_INTERNAL,
                "127.0.0.1:" + receiver.getAddress().getPort()));
    }

    @AfterAll
    static void stop() {
        server.close();
        receiver.stop(0);
    }

    private static void expect(int status, HttpResponse<String> response, String... parts) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        for (String part : parts) {
            assertThat(response.body()).contains(part);
        }
    }

    @Test
    void isReadyAndSaysSo() {
        expect(200, server.get("/health"), "OK");
        expect(200, server.get("/ready"), "OK");
        expect(200, server.get("/metrics"), "jvm_memory");
        expect(200, server.get("/api/tidemill/v1/server"), "sqlite");
        expect(404, server.get("/api/nothing"), "NOT_FOUND", "requestId");
        expect(405, server.post("/health", "{}"), "METHOD_NOT_ALLOWED");
    }

    @Test
    void foreignHostsAndOriginsAreRefused() throws IOException {
        assertThat(raw("GET /api/tidemill/v1/whoami HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
                .contains(" 403 ");
        expect(
                403,
                server.call(
                        "POST",
                        PROJECT + "/definitions",
                        java.util.Optional.empty(),
                        "{}",
                        "Origin",
                        "https://evil.example"),
                "FORBIDDEN_ORIGIN");
        expect(
                403,
                server.call(
                        "POST",
                        PROJECT + "/definitions",
                        java.util.Optional.empty(),
                        "{}",
                        "Sec-Fetch-Site",
                        "cross-site"),
                "FORBIDDEN_ORIGIN");
        expect(
                200,
                server.call("GET", "/api/tidemill/v1/whoami", java.util.Optional.empty(), "", "Origin", server.base()));
    }

    @Test
    void characterSetsThatAreNotThereAreRefused() {
        for (String charset : java.util.List.of("x", "%21", "a b")) {
            expect(
                    400,
                    server.call(
                            "POST",
                            "/deployments/none/invocations",
                            java.util.Optional.empty(),
                            "{}",
                            "Content-Type",
                            "text/plain; charset=" + charset),
                    "character set " + charset.split(" ")[0]);
        }
    }

    @Test
    void bodiesThatAreTextsOfJsonAreReadOrRefused() {
        String search = "/api/2.0/mlflow/runs/search";
        expect(200, server.post(search, "\"{\\\"experiment_ids\\\": [\\\"0\\\"]}\""), "{");
        for (String body : java.util.List.of("\"v\f", "\"v\" 1", "\"", "\"[]\"", "[[[", "nul")) {
            expect(400, server.post(search, body), "JSON");
        }
    }

    private static String raw(String request) throws IOException {
        int port = Integer.parseInt(server.base().replaceAll(".*:", ""));
        try (var socket = new Socket("127.0.0.1", port)) {
            OutputStream out = socket.getOutputStream();
            out.write(request.getBytes(StandardCharsets.US_ASCII));
            out.flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void bodiesThatAreNoGoodAreRefused() {
        expect(400, server.post(PROJECT + "/definitions", "{"), "line 1");
        expect(400, server.post(PROJECT + "/definitions", "[]"), "not a JSON object");
        expect(
                400,
                server.post(PROJECT + "/definitions", "{\"files\": {\"../x.yaml\": \"kind: Pipeline\"}}"),
                "inside the project folder");
        expect(
                400,
                server.post(PROJECT + "/definitions", "{\"files\": {\"x.yaml\": \"kind: Pipelin\\nname: a\"}}"),
                "x.yaml:1:7",
                "Pipeline");
        expect(400, server.post(PROJECT + "/definitions", "{\"files\": {}}"), "no definition");
        expect(400, server.post("/api/tidemill/v1/events", "[".repeat(200)), "INVALID_ARGUMENT");
        expect(
                413,
                server.post(PROJECT + "/definitions", "{\"files\": {\"a\": \"" + "x".repeat(17 * 1024 * 1024) + "\"}}"),
                "TOO_LARGE");
    }

    /** MLflow's clients show the message of any status, and ask again only where they are told when. */
    @Test
    void aBodyOfMlflowsThatIsTooLargeIsRefusedInItsWords() {
        var refused = server.post(
                "/api/2.0/mlflow/experiments/create", "{\"name\": \"" + "x".repeat(65 * 1024 * 1024) + "\"}");
        expect(413, refused, "\"error_code\":\"INVALID_PARAMETER_VALUE\"", "larger than");
        assertThat(refused.headers().firstValue("Retry-After")).isEmpty();
    }

    @Test
    void aBodyThatIsMissingIsSaidToBe() {
        for (String path : java.util.List.of(
                PROJECT + "/definitions",
                "/api/tidemill/v1/events",
                "/v2/models/none/infer",
                "/invocations",
                "/collect")) {
            for (String body : java.util.List.of("", " \n")) {
                var answer = server.post(path, body);
                assertThat(answer.body()).as(path).doesNotContain("No content", "end-of-input");
                if (answer.statusCode() == 400) {
                    assertThat(answer.body()).as(path).contains("The JSON body is missing");
                }
            }
        }
        expect(400, server.post(PROJECT + "/definitions", ""), "The JSON body is missing");
        expect(400, server.post(PROJECT + "/definitions", " "), "The JSON body is missing");
    }

    @Test
    void aDeploymentThatNamesAModelThatNobodyKnowsIsAppliedWithAWarning() {
        String deployment =
                "{\"files\": {\"d.yaml\": \"kind: Deployment\\nname: warned\\nmodel: rsk\\nview: nothing\\n\"%s}}";
        String pipeline =
                ", \"p.yaml\": \"kind: Pipeline\\nname: warner\\nsteps:\\n  - name: put\\n    uses: registry.register\\n"
                        + "    with: {model: %s, trained: x}\\n\"";
        var alone =
                server.post(PROJECT + "/definitions", deployment.formatted("").replace("}}", "}, \"dryRun\": true}"));
        expect(200, alone, "names model 'rsk', which is not registered", "names view 'nothing'");
        expect(
                200,
                server.post(PROJECT + "/definitions", deployment.formatted(pipeline.formatted("risk"))),
                "did you mean 'risk'?");
        var known = server.post(PROJECT + "/definitions", deployment.formatted(pipeline.formatted("rsk")));
        expect(200, known, "names view 'nothing'");
        assertThat(known.body()).doesNotContain("names model");
    }

    @Test
    void aRuleThatSaysNothingAboutItsColumnsTypeIsNotApplied() {
        for (String[] rule : new String[][] {
            {"{type: text, min: 4}", "d.yaml:4:", "'min'"},
            {"{type: double, values: [a]}", "d.yaml:4:", "'a'"},
            {"{type: long, min: 5, max: 1}", "d.yaml:4:", "no number"}
        }) {
            String file = "kind: DataSet\\nname: ruled\\ncolumns:\\n  v: " + rule[0] + "\\n";
            expect(
                    400,
                    server.post(PROJECT + "/definitions", "{\"files\": {\"d.yaml\": \"" + file + "\"}}"),
                    rule[1],
                    rule[2]);
        }
    }

    @Test
    void aBadDefinitionLeavesNothingOfTheOthers() {
        String files =
                "{\"files\": {\"a.yaml\": \"kind: Monitor\\nname: fine\", \"b.yaml\": \"kind: Monitor\\nname: bad\\nwindow: 3 days\"}}";
        expect(400, server.post(PROJECT + "/definitions", files), "b.yaml:3:9", "P90D");
        assertThat(server.get(PROJECT + "/definitions").body()).doesNotContain("fine");
    }

    @Test
    void aDeploymentNamesAPolicyAndAMonitorThatAreThere() {
        String files = "{\"files\": {\"d.yaml\": \"kind: Deployment\\nname: d\\nmodel: m\\npolicy: p\"%s}}";
        expect(400, server.post(PROJECT + "/definitions", files.formatted("")), "names policy 'p'");
        String policy = ", \"p.yaml\": \"kind: Policy\\nname: p\"";
        expect(200, server.post(PROJECT + "/definitions", files.formatted(policy)), "CREATED");
        String monitored = "{\"files\": {\"d.yaml\": \"kind: Deployment\\nname: d\\nmodel: m\\nmonitor: quality\"}}";
        expect(400, server.post(PROJECT + "/definitions", monitored), "names monitor 'quality'");
    }

    @Test
    void applyingTwiceChangesNothingAndADryRunNothingAtAll() {
        String body = "{\"dryRun\": %s, \"files\": {\"m.yaml\": \"kind: Monitor\\nname: idem\\nwindow: %s\"}}";
        expect(200, server.post(PROJECT + "/definitions", body.formatted("true", "P7D")), "CREATED");
        assertThat(server.get(PROJECT + "/definitions").body()).doesNotContain("idem");
        expect(200, server.post(PROJECT + "/definitions", body.formatted("false", "P7D")), "CREATED");
        expect(200, server.post(PROJECT + "/definitions", body.formatted("false", "P7D")), "UNCHANGED");
        expect(
                200,
                server.post(PROJECT + "/definitions", body.formatted("false", "P1D")),
                "CHANGED",
                "-window: P7D",
                "+window: P1D");
    }

    @Test
    void eventsComeInOnceAndGoOutSigned() throws Exception {
        String url = "http://127.0.0.1:" + receiver.getAddress().getPort() + "/hook";
        HttpResponse<String> made =
                server.post(PROJECT + "/webhooks", "{\"url\":\"" + url + "\",\"types\":\"external.\"}");
        expect(201, made, "secret");
        String secret = Json.read(made.body()).path("secret").asText();
        String event =
                "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/here\",\"type\":\"rained\",\"data\":{\"mm\":3}}";
        expect(202, server.post("/api/tidemill/v1/events", event));
        expect(200, server.post("/api/tidemill/v1/events", event), "false");
        Await.until("the webhook is called", () -> !RECEIVED.isEmpty());
        assertThat(RECEIVED).hasSize(1);
        assertThat(RECEIVED.getFirst()).startsWith("v1,").contains("external.rained");
        JsonNode listed = Json.read(server.get(PROJECT + "/webhooks").body())
                .path("webhooks")
                .get(0);
        assertThat(listed.toString()).doesNotContain(secret);
    }

    @Test
    void webhooksToInternalAddressesAreRefusedWhenTheyAreMade() {
        int port = receiver.getAddress().getPort();
        for (String host : new String[] {
            "localhost",
            "169.254.169.254",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:0:7f00:1::]",
            "[fd00::1]",
            "2130706433",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "127.1",
            "127.0.0.1.",
            "010.0.0.1"
        }) {
            String url = "http://" + host + ":" + (host.equals("127.0.0.1") ? port + 1 : port) + "/hook";
            expect(
                    400,
                    server.post(PROJECT + "/webhooks", "{\"url\":\"" + url + "\",\"types\":\"external.probe\"}"),
                    "INVALID_ARGUMENT");
        }
        expect(400, server.post(PROJECT + "/webhooks", "{\"url\":\"file:///etc/passwd\"}"), "not an http or https URL");
    }

    @Test
    void pagesOfOtherPortsMayNotCall() {
        String other = server.base().replaceAll("\\d+$", "1");
        for (String origin : new String[] {other, "http://localhost:3000", "http://127.0.0.1", "null", "file://"}) {
            expect(
                    403,
                    server.call("GET", "/api/tidemill/v1/whoami", java.util.Optional.empty(), "", "Origin", origin),
                    "FORBIDDEN_ORIGIN");
        }
    }

    @Test
    void yamlWithoutBoundsIsRefused() {
        String deep = "kind: Monitor\\nname: deep\\nwindow: " + "[".repeat(20_000) + "]".repeat(20_000);
        String aliases = "kind: Monitor\\nname: aliases\\na: &a [x]\\nb: [" + "*a, ".repeat(30) + "x]";
        String wide = "kind: Monitor\\nname: wide\\na: [" + "1,".repeat(150_000) + "1]";
        for (String text : new String[] {deep, aliases, wide}) {
            expect(
                    400,
                    server.post(PROJECT + "/definitions", "{\"files\": {\"a.yaml\": \"" + text + "\"}}"),
                    "INVALID_DEFINITION",
                    "are not taken");
        }
    }

    @Test
    void aFeatureViewsQueryIsTriedWhenItIsApplied() {
        String files =
                "{\"files\": {\"d.yaml\": \"kind: DataSet\\nname: trips\\ncolumns:\\n  moment: {type: timestamp}\\n"
                        + "  n: {type: long}\\ntime: moment\", \"v.yaml\": \"kind: FeatureView\\nname: v\\nsource: trips\\n"
                        + "time: moment\\nlabel: n\\nsql: sql/v.sql\", \"sql/v.sql\": \"%s\"}}";
        expect(
                400,
                server.post(PROJECT + "/definitions", files.formatted("SELECT moment, missing FROM source")),
                "missing");
        expect(
                400,
                server.post(PROJECT + "/definitions", files.formatted("SELECT moment, n FROM source; SELECT 1")),
                "2 statements");
        expect(400, server.post(PROJECT + "/definitions", files.formatted("DROP TABLE source")), "not one query");
        expect(
                400,
                server.post(PROJECT + "/definitions", files.formatted("SELECT moment, at, n FROM source")),
                "v.yaml: sql/v.sql: ",
                "line 1, column 18, after 'at'",
                "must be quoted");
        expect(
                400,
                server.post(PROJECT + "/definitions", files.formatted("SELECT moment, n FROM source WHERE n > 0")),
                "INVALID_DEFINITION",
                "sql/v.sql: ",
                "does not work row by row: it has WHERE");
        expect(
                400,
                server.post(PROJECT + "/definitions", files.formatted("SELECT moment, n + 1 AS m FROM source")),
                "no column 'n', which is the view's 'label'; it gives [moment, m]");
        expect(
                400,
                server.post(PROJECT + "/definitions", files.formatted("SELECT n FROM source")),
                "no column 'moment', which is the view's 'time'");
        expect(200, server.post(PROJECT + "/definitions", files.formatted("SELECT moment, n + 1 AS n FROM source")));

        String pipeline = "{\"files\": {\"p.yaml\": \"kind: Pipeline\\nname: p\\nsteps:\\n  - name: features\\n"
                + "    uses: features.materialize\\n    with: {view: %s, version: trips@1}\"}}";
        expect(
                400,
                server.post(PROJECT + "/definitions", pipeline.formatted("vv")),
                "INVALID_DEFINITION",
                "p.yaml: step 'features': There is no feature view 'vv'");
        expect(200, server.post(PROJECT + "/definitions", pipeline.formatted("v")));
    }

    @Test
    void columnsThatStepsNameAreHeldAgainstTheDataTheyRead() {
        String data = "\"d.yaml\": \"kind: DataSet\\nname: rides\\ncolumns:\\n  moment: {type: timestamp}\\n"
                + "  minutes: {type: long}\\ntime: moment\"";
        String view = "\"v.yaml\": \"kind: FeatureView\\nname: rides-view\\nsource: rides\\ntime: moment\\n"
                + "label: %s\\nsql: v.sql\", \"v.sql\": \"SELECT moment, minutes AS %s FROM source\"";
        String pipeline = "\"p.yaml\": \"kind: Pipeline\\nname: columns\\nsteps:\\n"
                + "  - {name: import, uses: dataset.import, with: {data-set: rides}}\\n"
                + "  - name: features\\n    uses: features.materialize\\n"
                + "    with: {view: rides-view, version: '${steps.import.version}'}\\n"
                + "  - {name: train, uses: training.xgboost, with: {data: '${steps.features.version}', %s}}\\n\"";
        String all = "{\"files\": {" + data + ", " + view.formatted("took", "took") + ", " + pipeline + "}}";
        for (String[] wrong : new String[][] {
            {
                "target: tok",
                "step 'train': The data has no column 'tok', which the step's input 'target' names",
                "it has [moment, took]; did you mean 'took'?"
            },
            {"target: took, time: momnt", "no column 'momnt'", "did you mean 'moment'?"},
            {"target: took, exclude: [minutes]", "no column 'minutes'", "input 'exclude'"},
        }) {
            expect(
                    400,
                    server.post(PROJECT + "/definitions", all.formatted(wrong[0])),
                    "INVALID_DEFINITION",
                    "p.yaml: ",
                    wrong[1],
                    wrong[2]);
        }
        String right = pipeline.formatted("target: took, time: moment");
        expect(200, server.post(PROJECT + "/definitions", all.formatted("target: took, time: moment")));
        // The pipeline is as it was, but no longer fits the view that it reads.
        expect(
                400,
                server.post(
                        PROJECT + "/definitions",
                        "{\"files\": {" + data + ", " + view.formatted("lasted", "lasted") + ", " + right + "}}"),
                "no column 'took'",
                "it has [moment, lasted]");
        String imported = "{\"files\": {\"p.yaml\": \"kind: Pipeline\\nname: straight\\nsteps:\\n"
                + "  - {name: import, uses: dataset.import, with: {data-set: rides}}\\n"
                + "  - {name: train, uses: training.xgboost, with: {data: '${steps.import.version}', target: %s}}\"}}";
        expect(
                400,
                server.post(PROJECT + "/definitions", imported.formatted("minute")),
                "no column 'minute'",
                "did you mean 'minutes'?");
        expect(200, server.post(PROJECT + "/definitions", imported.formatted("minutes")));
        // What only a run knows is for the run to refuse.
        expect(
                200,
                server.post(
                        PROJECT + "/definitions",
                        imported.formatted("'${parameters.what}'")
                                .replace("\\nsteps:", "\\nparameters: {what: {default: minutes}}\\nsteps:")));
    }

    /** A view that was applied when nobody looked, or over a source that leaves rows out. */
    @Test
    void fewerFeaturesThanRowsAreNotAnswered() {
        String csv = "moment,n\n2026-01-01T00:00:00Z,2\n";
        expect(201, server.post(PROJECT + "/blobs", csv), Ids.sha256(csv));
        expect(
                200,
                server.post(
                        PROJECT + "/definitions",
                        "{\"files\": {\"d.yaml\": \"kind: DataSet\\nname: trips2\\nsource: {file: t.csv, sql: m.sql}\\ncolumns:\\n"
                                + "  moment: {type: timestamp}\\n  n: {type: long}\\ntime: moment\", \"m.sql\":"
                                + " \"SELECT * FROM source WHERE n <> '1'\", \"v.yaml\": \"kind: FeatureView\\nname: v2\\n"
                                + "source: trips2\\ntime: moment\\nlabel: n\\nsql: v.sql\", \"v.sql\": \"FROM source\"}, \"blobs\": {\"t.csv\": \""
                                + Ids.sha256(csv) + "\"}}"));
        String rows = "{\"rows\": [{\"moment\": \"2026-01-01T00:00:00Z\", \"n\": \"1\"}, {\"moment\":"
                + " \"2026-01-01T00:00:00Z\", \"n\": \"2\"}], \"raw\": %s}";
        expect(
                409,
                server.post(PROJECT + "/feature-views/v2/compute", rows.formatted("true")),
                "FAILED_PRECONDITION",
                "gives 1 rows for 2");
        expect(200, server.post(PROJECT + "/feature-views/v2/compute", rows.formatted("false")));
    }

    @Test
    void theDataDirectoryIsNobodyElses() throws IOException {
        Files.setPosixFilePermissions(directory, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
        try (TestServer other = TestServer.start(directory, Map.of())) {
            expect(201, other.post(PROJECT + "/webhooks", "{\"url\":\"http://nowhere.invalid/\"}"));
            assertThat(Files.getPosixFilePermissions(directory)).hasSize(3);
            assertThat(Files.getPosixFilePermissions(directory.resolve("secrets.key")))
                    .hasSize(2);
        }
    }

    @Test
    void theFirstUserIsAnAdministratorOrNobody() {
        String users = "/api/tidemill/v1/users";
        String user = "{\"name\":\"%s\",\"password\":\"correct horse battery\"%s}";
        try (TestServer other = TestServer.start(directory, Map.of())) {
            expect(
                    409,
                    other.post(users, user.formatted("viewer", ",\"administrator\":false")),
                    "FAILED_PRECONDITION",
                    "The first user must be an administrator",
                    "leave 'administrator' out");
            expect(200, other.get(users), "[]");
            expect(201, other.post(users, user.formatted("root", "")), "\"administrator\":true");
            expect(401, other.get(users));
        }
        try (TestServer other = TestServer.start(directory, Map.of())) {
            assertThat(other.server.setupSecret()).isEmpty();
        }
    }

    @Test
    void aServerWhoseUsersAreNoAdministratorsHasAOneTimeSecret() throws Exception {
        try (TestServer other = TestServer.start(directory, Map.of())) {
            expect(
                    201,
                    other.post(
                            "/api/tidemill/v1/users", "{\"name\":\"viewer\",\"password\":\"correct horse battery\"}"));
        }
        try (var database = java.sql.DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("tidemill.db"));
                var statement = database.createStatement()) {
            assertThat(statement.executeUpdate("UPDATE user_account SET administrator = 0"))
                    .isEqualTo(1);
        }
        try (TestServer other = TestServer.start(directory, Map.of())) {
            expect(401, other.get("/api/tidemill/v1/users"));
            String secret = other.server.setupSecret().orElseThrow();
            expect(
                    201,
                    other.post(
                            "/api/tidemill/v1/setup",
                            "{\"secret\":\"" + secret + "\",\"name\":\"root\",\"password\":\"correct horse battery\"}"),
                    "\"administrator\":true");
        }
    }

    @Test
    void uploadsAreCheckedAndConfined() {
        expect(
                422,
                server.call(
                        "POST",
                        PROJECT + "/blobs",
                        java.util.Optional.empty(),
                        "hello",
                        "X-Content-SHA256",
                        "0".repeat(64)),
                "CHECK_FAILED");
        HttpResponse<String> made = server.post(PROJECT + "/blobs", "hello");
        expect(201, made);
        String digest = Json.read(made.body()).path("digest").asText();
        expect(200, server.get(PROJECT + "/blobs/" + digest), "hello");
        expect(404, server.get(PROJECT + "/blobs/" + "0".repeat(64)));
        for (String path : new String[] {"..%2f..%2fetc%2fpasswd", "%252e%252e%252fetc", "..%5c..%5cx", "%00"}) {
            assertThat(server.get(PROJECT + "/blobs/" + path).statusCode())
                    .as(path)
                    .isIn(400, 404);
            assertThat(server.get("/assets/" + path).statusCode()).as(path).isIn(400, 404);
        }
    }

    @Test
    void inferenceRefusesInTheProtocolsOwnWords() {
        HttpResponse<String> unknown = server.post(
                "/v2/models/none/infer",
                "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[1]}]}");
        expect(404, unknown, "\"error\":\"Request for unknown model");
        assertThat(unknown.headers().firstValue("Content-Type")).contains("application/json");
        for (String tensor : new String[] {
            "{\"shape\":[1],\"datatype\":\"FP64\",\"data\":[1]}",
            "{\"name\":\"x\",\"shape\":[-1],\"datatype\":\"FP64\",\"data\":[1]}",
            "{\"name\":\"x\",\"shape\":[99999999999],\"datatype\":\"FP64\",\"data\":[1]}",
            "{\"name\":\"x\",\"shape\":[2],\"datatype\":\"FP64\",\"data\":[1]}",
            "{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP99\",\"data\":[1]}",
            "{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[\"a\"]}",
            "{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\"}"
        }) {
            expect(400, server.post("/v2/models/none/infer", "{\"inputs\":[" + tensor + "]}"), "error");
        }
    }

    @Test
    void resetMakesTheServerVirginAgain() {
        expect(201, server.post("/api/tidemill/v1/projects", "{\"name\":\"gone\"}"));
        expect(204, server.post("/api/tidemill/v1/testing/reset", ""));
        JsonNode projects =
                Json.read(server.get("/api/tidemill/v1/projects").body()).path("projects");
        assertThat(projects).hasSize(1);
        assertThat(projects.get(0).path("name").asText()).isEqualTo("default");
    }

    @Test
    void whatCannotBeUsedIsNamedAtStart() throws IOException {
        String port = server.base().replaceAll(".*:", "");
        refused(Map.of(Setting.HTTP_PORT, port), "taken");
        refused(Map.of(Setting.HTTP_PORT, "99999"), "http.port: '99999' is not a whole number from 0 to 65535");
        refused(Map.of(Setting.RETENTION_DELETED, "abc"), "retention.deleted-days: 'abc' is not a whole number");
        refused(Map.of(Setting.ROLES, "cook"), "none of control, gateway, worker");
        refused(Map.of(Setting.DATABASE, "jdbc:h2:mem:x;INIT=RUNSCRIPT FROM 'http://x'"), "cannot be used");
        refused(Map.of(Setting.DATABASE, "postgresql://u:secret@h/d?socketFactory=x"), "cannot be used");
        refused(Map.of(Setting.HTTP_HOST, "0.0.0.0", Setting.TESTING, "true"), "loopback only");
        try (TestServer first = TestServer.start(directory, Map.of())) {
            assertThat(first.get("/health").statusCode()).isEqualTo(200);
            refused(Map.of(), "used by another server");
        }
        Files.writeString(directory.resolve("format"), "99\n");
        refused(Map.of(), "has format 99");
        Path file = Files.createTempFile("a-file", "");
        assertThatThrownBy(() -> TestServer.start(file, Map.of())).isInstanceOf(TidemillException.class);
    }

    private void refused(Map<Setting, String> settings, String message) {
        assertThatThrownBy(() -> TestServer.start(directory, settings).close())
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining(message)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("secret"));
    }
}
