package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A version comes with its own files, whatever its source names: a folder of the server that it was made on is not here. */
class MlflowImportVersionsTest {
    private static final String FOLDER = "mlflow-artifacts:/folders/" + "ab".repeat(32);
    private static final String RUN = "0123456789abcdef0123456789abcdef";

    @TempDir
    private Path export;

    /** What the server keeps of artifacts, by path. */
    private final Map<String, String> kept = new ConcurrentHashMap<>();
    /** What was kept when a version was told, and what was told of it. */
    private final List<Told> versions = new CopyOnWriteArrayList<>();

    private HttpServer server;
    private volatile String known = "";
    private volatile boolean refusesFiles;
    private volatile boolean fills = true;

    private record Told(JsonNode version, Map<String, String> kept) {
        /** The files at the place that was told. */
        Map<String, String> files() {
            String root = version.path("location").asText().replaceFirst("^mlflow-artifacts:/+", "") + "/";
            var files = new TreeMap<String, String>();
            kept.forEach((path, text) -> {
                if (path.startsWith(root)) {
                    files.put(path.substring(root.length()), text);
                }
            });
            return files;
        }
    }

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] answer;
            int status = 200;
            try {
                answer = answer(exchange).getBytes(StandardCharsets.UTF_8);
            } catch (IllegalStateException refused) {
                status = exchange.getRequestMethod().equals("GET") ? 404 : 400;
                answer = "{\"message\":\"refused\"}".getBytes(StandardCharsets.UTF_8);
            }
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }

    private String answer(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String path = exchange.getRequestURI().getPath();
        String artifact = path.replaceFirst("^/api/2.0/mlflow-artifacts/artifacts/", "");
        switch (exchange.getRequestMethod()) {
            case "PUT" -> {
                if (refusesFiles && artifact.endsWith("b.txt")) {
                    throw new IllegalStateException();
                }
                if (!artifact.equals(path)) {
                    kept.put(artifact, body);
                }
            }
            case "DELETE" -> kept.keySet().removeIf(file -> file.startsWith(artifact + "/"));
            case "POST" -> {
                if (path.endsWith("/import/experiments")) {
                    return "{\"id\":\"7\",\"artifactLocation\":\"mlflow-artifacts:/7\"}";
                }
                if (path.endsWith("/import/versions")) {
                    var told = new Told(Api.JSON.readTree(body), Map.copyOf(kept));
                    versions.add(told);
                    return "{\"fresh\":" + known.isEmpty() + ",\"files\":"
                            + (fills && !told.files().isEmpty() || known.contains("folder")) + "}";
                }
                return "{\"fresh\":true}";
            }
            default -> {
                if (path.contains("/runs/")) {
                    throw new IllegalStateException();
                }
                return path.endsWith("/models/churn") ? "{\"versions\":[" + known + "],\"aliases\":{}}" : "{}";
            }
        }
        return "{}";
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void version(int number, String source, String... files) throws IOException {
        Path folder = Files.createDirectories(export.resolve("models/churn/version-" + number));
        Files.writeString(export.resolve("models/churn/meta.yaml"), "name: churn\n");
        Path artifacts = Files.createDirectories(folder.resolve("artifacts"));
        for (String file : files) {
            Files.createDirectories(artifacts.resolve(file).getParent());
            Files.writeString(artifacts.resolve(file), file + " of " + number);
        }
        Files.writeString(
                folder.resolve("meta.yaml"),
                "name: churn\nversion: " + number + "\ncurrent_stage: None\nsource: " + source + "\nstorage_location: "
                        + artifacts.toUri().toString().replaceFirst("/$", "") + "\n");
    }

    private Omissions take() throws IOException {
        var omissions = new Omissions();
        var api = new Api("http://127.0.0.1:" + server.getAddress().getPort(), Optional.empty(), "mine");
        new MlflowImport(api, new FolderSource(export, List.of(), omissions), omissions).run();
        return omissions;
    }

    private List<Map<String, String>> files() {
        var list = new ArrayList<Map<String, String>>();
        versions.forEach(told -> list.add(told.files()));
        return list;
    }

    @Test
    void aVersionWhoseSourceIsAFolderOfItsServerComesWithItsOwnFiles() throws IOException {
        version(1, FOLDER, "MLmodel", "data/b.txt");
        assertThat(take().exit()).isEqualTo(Exit.OK);
        assertThat(files()).containsExactly(Map.of("MLmodel", "MLmodel of 1", "data/b.txt", "data/b.txt of 1"));
        assertThat(versions.getFirst().version().path("source").asText()).isEqualTo(FOLDER);
        assertThat(kept).as("what was only on its way").isEmpty();
    }

    @Test
    void aVersionOfARunsFilesKeepsThoseThatItWasMadeOf() throws IOException {
        Path run = Files.createDirectories(export.resolve("7/" + RUN + "/artifacts/model"));
        Files.writeString(export.resolve("7/meta.yaml"), "name: seven\nexperiment_id: '7'\n");
        Files.writeString(
                export.resolve("7/" + RUN + "/meta.yaml"),
                "run_id: " + RUN + "\nstatus: 3\nartifact_uri: "
                        + export.resolve("7/" + RUN + "/artifacts").toUri() + "\n");
        Files.writeString(run.resolve("MLmodel"), "written over afterwards");
        version(1, "runs:/" + RUN + "/model", "MLmodel");
        version(2, "models:/churn/1", "MLmodel");
        // Of a version that was deleted, and of a logged model that is not here.
        version(3, "models:/churn/9", "MLmodel");
        version(4, "models:/m-gone", "MLmodel");
        // Without files of its own.
        version(5, "runs:/" + RUN + "/model");
        take();
        versions.sort(java.util.Comparator.comparing(
                told -> told.version().path("version").asInt()));
        assertThat(versions.stream().map(told -> told.version().path("version").asInt()))
                .containsExactly(1, 2, 3, 4, 5);
        assertThat(files().getFirst()).containsExactly(Map.entry("MLmodel", "MLmodel of 1"));
        assertThat(files().get(1)).containsKey("MLmodel");
        assertThat(files().get(2)).containsExactly(Map.entry("MLmodel", "MLmodel of 3"));
        assertThat(files().get(3)).containsExactly(Map.entry("MLmodel", "MLmodel of 4"));
        assertThat(files().get(4)).containsExactly(Map.entry("MLmodel", "written over afterwards"));
    }

    @Test
    void aVersionThatIsHereIsNotSentAgain() throws IOException {
        version(1, FOLDER, "MLmodel");
        known = "{\"version\":1,\"folder\":\"" + "ab".repeat(32) + "\"}";
        assertThat(take().exit()).isEqualTo(Exit.OK);
        assertThat(files()).containsExactly(Map.of());
    }

    @Test
    void aVersionThatIsHereWithoutItsFilesGetsThem() throws IOException {
        version(1, FOLDER, "MLmodel");
        known = "{\"version\":1}";
        assertThat(take().exit()).isEqualTo(Exit.OK);
        assertThat(files()).containsExactly(Map.of("MLmodel", "MLmodel of 1"));
        assertThat(kept).as("what was only on its way").isEmpty();
    }

    @Test
    void aVersionWhoseFilesAreStillNotThereIsSaidEachTime() throws IOException {
        version(1, FOLDER);
        known = "{\"version\":1}";
        assertThat(take().exit()).isEqualTo(Exit.INCOMPLETE);
        assertThat(take().exit()).isEqualTo(Exit.INCOMPLETE);
    }

    @Test
    void filesThatTheServerDoesNotGiveAVersionAreSaid() throws IOException {
        version(1, FOLDER, "MLmodel");
        known = "{\"version\":1}";
        fills = false;
        assertThat(take().exit()).isEqualTo(Exit.INCOMPLETE);
        assertThat(kept).as("what was only on its way").isEmpty();
    }

    /** A folder that is made of them never changes: half of the files would be all that it ever has. */
    @Test
    void aVersionIsNotMadeOfHalfOfARunsFiles() throws IOException {
        Path run = Files.createDirectories(export.resolve("7/" + RUN + "/artifacts/model"));
        Files.writeString(export.resolve("7/meta.yaml"), "name: seven\nexperiment_id: '7'\n");
        String artifacts = export.resolve("7/" + RUN + "/artifacts").toUri().toString();
        Files.writeString(
                export.resolve("7/" + RUN + "/meta.yaml"),
                "run_id: " + RUN + "\nstatus: 3\nartifact_uri: " + artifacts + "\n");
        Files.writeString(run.resolve("MLmodel"), "a");
        Files.writeString(run.resolve("b.txt"), "b");
        Path folder = Files.createDirectories(export.resolve("models/churn/version-1"));
        Files.writeString(export.resolve("models/churn/meta.yaml"), "name: churn\n");
        Files.writeString(
                folder.resolve("meta.yaml"),
                "name: churn\nversion: 1\nsource: runs:/" + RUN + "/model\nstorage_location: " + artifacts + "model\n");
        refusesFiles = true;
        assertThat(take().exit()).isEqualTo(Exit.INCOMPLETE);
        assertThat(versions).isEmpty();
        refusesFiles = false;
        assertThat(take().exit()).isEqualTo(Exit.OK);
        assertThat(files().getFirst()).hasSize(2);
    }

    @Test
    void aVersionIsNotTakenWithSomeOfItsFiles() throws IOException {
        version(1, FOLDER, "MLmodel", "data/b.txt");
        refusesFiles = true;
        assertThat(take().exit()).isEqualTo(Exit.INCOMPLETE);
        assertThat(versions).isEmpty();
        refusesFiles = false;
        assertThat(take().exit()).isEqualTo(Exit.OK);
        assertThat(files().getFirst()).hasSize(2);
    }

    @Test
    void aVersionWithoutFilesIsTakenAndSaid() throws IOException {
        version(1, FOLDER);
        assertThat(take().exit()).isEqualTo(Exit.INCOMPLETE);
        assertThat(versions).hasSize(1);
        assertThat(versions.getFirst().version().path("location").asText("")).isEmpty();
    }
}
