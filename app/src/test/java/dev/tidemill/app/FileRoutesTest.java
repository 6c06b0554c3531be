package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.Await;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every route of the manifest that answers with files, asked in every way that RFC 9110 knows. */
class FileRoutesTest {
    private static final String API = "/api/tidemill/v1/projects/default";
    private static final String NAME = "Übersicht 模型 \"1\".csv";
    private static final String DISPOSITION = "attachment; filename=\"_bersicht __ _1_.csv\";"
            + " filename*=UTF-8''%C3%9Cbersicht%20%E6%A8%A1%E5%9E%8B%20%221%22.csv";
    private static final byte[] SMALL = "abcdefghij".getBytes(StandardCharsets.US_ASCII);
    /** More than the buffers of both ends hold, so that who sends it waits for who reads it. */
    private static final byte[] LARGE = new byte[24 * 1024 * 1024];

    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Map<String, Fixture> FIXTURES = new TreeMap<>();
    private static TestServer server;

    /**
     * Files that one route serves.
     *
     * @param path of a file
     * @param content of it; empty where it is made while it is sent, so that no two are equal
     * @param disposition that offers it for saving; empty where a browser shows it
     * @param large path of a file that is longer than buffers
     */
    private record Fixture(
            String path, Optional<byte[]> content, Optional<String> disposition, Optional<String> large) {
        static Fixture page(String path, String resource) {
            try (var in = FileRoutesTest.class.getResourceAsStream("/ui" + resource)) {
                return new Fixture(
                        path,
                        Optional.of(java.util.Objects.requireNonNull(in).readAllBytes()),
                        Optional.empty(),
                        Optional.empty());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        static Fixture files(String disposition, String path, String large) {
            return new Fixture(path, Optional.of(SMALL), Optional.of(disposition), Optional.of(large));
        }

        byte[] bytes() {
            return content.orElseThrow();
        }
    }

    @BeforeAll
    static void start() throws Exception {
        new Random(7).nextBytes(LARGE);
        server = TestServer.start(Map.of());
        FIXTURES.put("GET /", Fixture.page("/", "/index.html"));
        FIXTURES.put("GET /ui/<page>", Fixture.page("/ui/runs/7", "/index.html"));
        FIXTURES.put("GET /favicon.svg", Fixture.page("/favicon.svg", "/favicon.svg"));
        FIXTURES.put("GET /assets/{file}", Fixture.page("/assets/probe.js", "/assets/probe.js"));
        FIXTURES.put(
                "GET /api/tidemill/v1/server/backup",
                new Fixture(
                        "/api/tidemill/v1/server/backup",
                        Optional.empty(),
                        Optional.of("attachment; filename=\"tidemill-backup.zip\""),
                        Optional.empty()));
        blobs();
        artifacts();
    }

    private static void blobs() throws Exception {
        String small = upload(SMALL);
        String large = upload(LARGE);
        for (String path : List.of(API + "/blobs/", "/api/tidemill/v1/plane/blobs/")) {
            FIXTURES.put(
                    "GET " + path.replace("default", "{project}") + "{digest}",
                    Fixture.files("attachment; filename=\"" + small + "\"", path + small, path + large));
        }
        var folder = new Folder(new TreeMap<>(Map.of(
                NAME,
                new BlobStore.Blob(new Digest(small), SMALL.length),
                "large",
                new BlobStore.Blob(new Digest(large), LARGE.length))));
        String path = API + "/folders/" + upload(folder.manifest().getBytes(StandardCharsets.UTF_8)) + "/";
        FIXTURES.put(
                "GET /api/tidemill/v1/projects/{project}/folders/{digest}/<path>",
                Fixture.files(DISPOSITION, path + encoded(NAME), path + "large"));
    }

    private static String upload(byte[] content) throws Exception {
        return Json.read(new String(send("POST", API + "/blobs", content), StandardCharsets.UTF_8))
                .path("digest")
                .asText();
    }

    private static void artifacts() throws Exception {
        JsonNode run =
                made("/api/2.0/mlflow/runs/create", "{\"experiment_id\":\"0\"}").at("/run/info");
        JsonNode model = made("/api/2.0/mlflow/logged-models", "{\"experiment_id\":\"0\",\"name\":\"m\"}")
                .at("/model/info");
        for (JsonNode owner : List.of(run, model)) {
            String path = folder(owner.path("artifact_uri").asText());
            send("PUT", "/api/2.0/mlflow-artifacts/artifacts/" + path + encoded(NAME), SMALL);
            send("PUT", "/api/2.0/mlflow-artifacts/artifacts/" + path + "large", LARGE);
        }
        String path = folder(run.path("artifact_uri").asText());
        String id = run.path("run_id").asText();
        for (String root : List.of("/api", "/ajax-api")) {
            String proxy = root + "/2.0/mlflow-artifacts/artifacts/";
            FIXTURES.put(
                    "GET " + proxy + "<path>",
                    Fixture.files(DISPOSITION, proxy + path + encoded(NAME), proxy + path + "large"));
            String files = root + "/2.0/mlflow/logged-models/{model}/artifacts/files";
            String asked = files.replace("{model}", model.path("model_id").asText()) + "?artifact_file_path=";
            FIXTURES.put("GET " + files, Fixture.files(DISPOSITION, asked + encoded(NAME), asked + "large"));
        }
        String asked = "/get-artifact?run_id=" + id + "&path=";
        FIXTURES.put("GET /get-artifact", Fixture.files(DISPOSITION, asked + encoded(NAME), asked + "large"));
        String files = API + "/runs/" + id + "/files/";
        FIXTURES.put(
                "GET /api/tidemill/v1/projects/{project}/runs/{run}/files/<path>",
                Fixture.files(DISPOSITION, files + encoded(NAME), files + "large"));
        FIXTURES.put(
                "GET /api/tidemill/v1/transfers/{project}/{expires}/{signature}/<path>",
                Fixture.files(DISPOSITION, link(path + encoded(NAME)), link(path + "large")));
    }

    private static String folder(String uri) {
        return uri.replaceFirst("^mlflow-artifacts:/*", "") + "/";
    }

    private static String link(String path) {
        String url = Json.read(server.get("/api/2.0/mlflow-artifacts/presigned/" + path)
                        .body())
                .path("url")
                .asText();
        return url.substring(url.indexOf("/api/"));
    }

    private static String encoded(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static JsonNode made(String path, String body) {
        HttpResponse<String> answer = server.post(path, body);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return Json.read(answer.body());
    }

    private static byte[] send(String method, String path, byte[] body) throws Exception {
        HttpResponse<byte[]> answer = HTTP.send(
                HttpRequest.newBuilder(URI.create(server.base() + path))
                        .method(method, HttpRequest.BodyPublishers.ofByteArray(body))
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
        assertThat(answer.statusCode()).as(method + " " + path).isBetween(200, 201);
        return answer.body();
    }

    @AfterAll
    static void stop() {
        server.close();
        HTTP.close();
    }

    private static HttpResponse<byte[]> ask(String method, Fixture file, String... headers) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(server.base() + file.path()))
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static String header(HttpResponse<?> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }

    private static void isWhole(Fixture file, HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(header(answer, "Content-Range")).isEmpty();
        if (file.content().isPresent()) {
            assertThat(answer.body()).isEqualTo(file.bytes());
            assertThat(header(answer, "Content-Length")).isEqualTo(String.valueOf(file.bytes().length));
        } else {
            assertThat(answer.body()).startsWith('P', 'K');
        }
    }

    private static List<Route> declared() {
        return server.server.manifest().routes().stream()
                .filter(Route::sendsFiles)
                .toList();
    }

    static Stream<String> all() {
        return FIXTURES.keySet().stream();
    }

    /** Of those that are made while they are sent no part can be asked for. */
    static Stream<String> withParts() {
        return all().filter(route -> fixture(route).content().isPresent());
    }

    private static Fixture fixture(String route) {
        return java.util.Objects.requireNonNull(FIXTURES.get(route));
    }

    @Test
    void everyRouteOfFilesIsTriedHere() {
        assertThat(FIXTURES.keySet())
                .containsExactlyInAnyOrderElementsOf(
                        declared().stream().map(Route::signature).toList());
    }

    @ParameterizedTest
    @MethodSource("all")
    void theWhole(String route) throws Exception {
        Fixture file = fixture(route);
        HttpResponse<byte[]> answer = ask("GET", file);
        isWhole(file, answer);
        assertThat(header(answer, "Accept-Ranges")).isEqualTo(file.content().isPresent() ? "bytes" : "none");
        assertThat(header(answer, "X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(header(answer, "Content-Security-Policy").isEmpty())
                .as("what runs in a browser is told what it may do")
                .isEqualTo(file.content().isEmpty() || route.matches("GET /(assets/.*|favicon.svg)"));
    }

    @ParameterizedTest
    @MethodSource("all")
    void underItsNameInEveryAlphabet(String route) throws Exception {
        Fixture file = fixture(route);
        assertThat(header(ask("GET", file), "Content-Disposition"))
                .isEqualTo(file.disposition().orElse(""));
    }

    @ParameterizedTest
    @MethodSource("all")
    void theHeadHasTheRealLengthAndNoBody(String route) throws Exception {
        Fixture file = fixture(route);
        for (String[] headers : List.of(new String[0], new String[] {"Range", "bytes=2-3"})) {
            HttpResponse<byte[]> answer = ask("HEAD", file, headers);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEmpty();
            assertThat(header(answer, "Content-Range")).isEmpty();
            file.content()
                    .ifPresent(content ->
                            assertThat(header(answer, "Content-Length")).isEqualTo(String.valueOf(content.length)));
            assertThat(header(answer, "Content-Disposition"))
                    .isEqualTo(file.disposition().orElse(""));
        }
    }

    @ParameterizedTest
    @MethodSource("withParts")
    void aPart(String route) throws Exception {
        Fixture file = fixture(route);
        int size = file.bytes().length;
        var parts = new TreeMap<String, int[]>(Map.of(
                "bytes=2-3",
                new int[] {2, 3},
                "bytes=0-0",
                new int[] {0, 0},
                "bytes=-2",
                new int[] {size - 2, size - 1},
                "bytes=-" + (size + 9),
                new int[] {0, size - 1},
                "bytes=4-",
                new int[] {4, size - 1},
                "bytes=" + (size - 1) + "-" + (size + 99),
                new int[] {size - 1, size - 1}));
        for (Map.Entry<String, int[]> part : parts.entrySet()) {
            int first = part.getValue()[0];
            int last = part.getValue()[1];
            HttpResponse<byte[]> answer = ask("GET", file, "Range", part.getKey());
            assertThat(answer.statusCode()).as(part.getKey()).isEqualTo(206);
            assertThat(answer.body()).as(part.getKey()).isEqualTo(Arrays.copyOfRange(file.bytes(), first, last + 1));
            assertThat(header(answer, "Content-Range")).isEqualTo("bytes " + first + "-" + last + "/" + size);
            assertThat(header(answer, "Content-Length")).isEqualTo(String.valueOf(last - first + 1));
        }
    }

    @ParameterizedTest
    @MethodSource("withParts")
    void beyondTheEnd(String route) throws Exception {
        Fixture file = fixture(route);
        int size = file.bytes().length;
        for (String range : List.of("bytes=" + size + "-", "bytes=999999999-9999999999999999999999", "bytes=-0")) {
            HttpResponse<byte[]> answer = ask("GET", file, "Range", range);
            assertThat(answer.statusCode()).as(range).isEqualTo(416);
            assertThat(header(answer, "Content-Range")).isEqualTo("bytes */" + size);
            assertThat(header(answer, "Content-Disposition")).isEmpty();
            assertThat(header(answer, "Content-Type")).startsWith("application/");
            assertThat(Json.read(new String(answer.body(), StandardCharsets.UTF_8))
                            .size())
                    .isPositive();
        }
    }

    /** What is no range, several of them, another unit: a server may send everything. */
    @ParameterizedTest
    @MethodSource("all")
    void whatIsNoRangeIsIgnored(String route) throws Exception {
        for (String range : List.of("bytes=abc", "bytes=3-2", "bytes=", "bytes=0-1,3-4", "lines=1-2", "bytes")) {
            isWhole(fixture(route), ask("GET", fixture(route), "Range", range));
        }
        if (fixture(route).content().isEmpty()) {
            isWhole(fixture(route), ask("GET", fixture(route), "Range", "bytes=2-3"));
        }
    }

    @ParameterizedTest
    @MethodSource("withParts")
    void onConditions(String route) throws Exception {
        Fixture file = fixture(route);
        String tag = header(ask("GET", file), "ETag");
        assertThat(tag).matches("\"[0-9a-f]{64}\"");
        assertThat(ask("GET", file, "Range", "bytes=2-3", "If-Range", tag).statusCode())
                .isEqualTo(206);
        for (String other : List.of("\"other\"", "W/" + tag, "Wed, 21 Oct 2015 07:28:00 GMT")) {
            isWhole(file, ask("GET", file, "Range", "bytes=2-3", "If-Range", other));
        }
        for (String same : List.of(tag, "W/" + tag, "\"other\", " + tag, "*")) {
            HttpResponse<byte[]> answer = ask("GET", file, "If-None-Match", same, "Range", "bytes=2-3");
            assertThat(answer.statusCode()).as(same).isEqualTo(304);
            assertThat(answer.body()).isEmpty();
            assertThat(header(answer, "ETag")).isEqualTo(tag);
        }
        isWhole(file, ask("GET", file, "If-None-Match", "\"other\""));
        isWhole(file, ask("GET", file, "If-Match", tag));
        isWhole(file, ask("GET", file, "If-Match", "*"));
        for (String other : List.of("\"other\"", "W/" + tag)) {
            HttpResponse<byte[]> answer = ask("GET", file, "If-Match", other, "Range", "bytes=2-3");
            assertThat(answer.statusCode()).as(other).isEqualTo(412);
            assertThat(new String(answer.body(), StandardCharsets.UTF_8)).contains("ETag");
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void aClientThatLeavesHoldsNoThread(String route) throws Exception {
        Fixture file = fixture(route);
        // The last answer's thread may still be on its way back.
        Await.until("the threads are free", () -> busy() <= ASKING);
        var clients = new ArrayList<Socket>();
        // One backup at a time is made.
        for (int i = 0; i < (file.content().isPresent() ? 3 : 1); i++) {
            clients.add(stalled(file.large().orElse(file.path())));
        }
        if (file.large().isPresent()) {
            Await.until("three threads send", () -> busy() >= ASKING + 3);
        }
        for (Socket client : clients) {
            // Closed with a reset, as by a client that is killed.
            client.setSoLinger(true, 0);
            client.close();
        }
        Await.until("the threads are free again", () -> busy() <= ASKING);
        assertThat(ask("GET", file).statusCode()).isEqualTo(200);
    }

    /** Threads that are busy while nobody but the test asks how many are. */
    private static final double ASKING = 1;

    /** Reads the beginning of an answer and no more. */
    private static Socket stalled(String path) throws IOException {
        URI address = URI.create(server.base());
        var socket = new Socket();
        socket.setReceiveBufferSize(16 * 1024);
        socket.setSoTimeout(20_000);
        socket.connect(new InetSocketAddress(address.getHost(), address.getPort()));
        String head = "GET " + path + " HTTP/1.1\r\nHost: " + address.getAuthority() + "\r\n\r\n";
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
        assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII))
                .isEqualTo("HTTP/1.1 200");
        return socket;
    }

    private static double busy() {
        return server.get("/metrics")
                .body()
                .lines()
                .filter(line -> line.startsWith("tidemill_http_threads_busy"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .findFirst()
                .orElseThrow();
    }

    /** Parts of a page are parts of what the client takes: packed or not. */
    @Test
    void pagesArePackedForThoseWhoTakeIt() throws Exception {
        Fixture asset = fixture("GET /assets/{file}");
        HttpResponse<byte[]> packed = ask("GET", asset, "Accept-Encoding", "br, gzip;q=0.8");
        assertThat(header(packed, "Content-Encoding")).isEqualTo("gzip");
        assertThat(packed.body().length).isLessThan(asset.bytes().length / 2);
        assertThat(new GZIPInputStream(new ByteArrayInputStream(packed.body())).readAllBytes())
                .isEqualTo(asset.bytes());
        HttpResponse<byte[]> part = ask("GET", asset, "Accept-Encoding", "gzip", "Range", "bytes=2-3");
        assertThat(part.body()).isEqualTo(Arrays.copyOfRange(packed.body(), 2, 4));
        for (String refused : List.of("gzip;q=0", "br", "gzip; q=0.000", "x-gzip2")) {
            HttpResponse<byte[]> plain = ask("GET", asset, "Accept-Encoding", refused);
            isWhole(asset, plain);
            assertThat(header(plain, "ETag")).isNotEqualTo(header(packed, "ETag"));
            assertThat(header(plain, "Vary")).contains("Accept-Encoding");
        }
    }
}
