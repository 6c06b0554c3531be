package dev.tidemill.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;

/** The server's public API, as a client sees it. Thread-safe. */
final class Api {
    static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration TIMEOUT = Duration.ofSeconds(60);
    private static final int REFUSAL_BYTES = 64 * 1024;

    private final HttpClient http;
    private final String server;
    private final Optional<String> token;
    private final String project;
    private final AnswerBounds bounds;

    Api(String server, Optional<String> token, String project) {
        this(server, token, project, Optional.empty());
    }

    /** @param authorities PEM file of those that may vouch for the server; empty for those that Java knows */
    Api(String server, Optional<String> token, String project, Optional<String> authorities) {
        this(server, token, project, authorities, AnswerBounds.USUAL);
    }

    /** @param bounds of each answer */
    Api(String server, Optional<String> token, String project, Optional<String> authorities, AnswerBounds bounds) {
        this.http = ServerTrust.client(authorities)
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(Duration.ofSeconds(5))
                .build();
        this.server = address(server);
        this.token = token;
        this.project = project;
        this.bounds = bounds;
    }

    /** An address as people write it: without a scheme it is of HTTP, as browsers and curl take it. */
    static String address(String given) {
        String whole = given.contains("://") ? given : "http://" + given;
        try {
            var uri = new URI(whole);
            if (uri.getHost() != null
                    && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                    && uri.getQuery() == null) {
                return whole.replaceAll("/+$", "");
            }
        } catch (URISyntaxException e) {
            // told below
        }
        throw new CliException(
                Exit.USAGE,
                "'" + given + "' is not a server's address, such as http://127.0.0.1:8080 or https://ml.example.org");
    }

    String server() {
        return server;
    }

    String project() {
        return project;
    }

    /** Path of something in the project. */
    String in(String path) {
        return "/api/tidemill/v1/projects/" + encode(project) + path;
    }

    static String encode(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }

    static ObjectNode object() {
        return JSON.createObjectNode();
    }

    JsonNode get(String path) {
        return send(request(path).GET());
    }

    /** All entries of a list that is answered a page at a time. */
    ArrayNode all(String path, String entries) {
        ArrayNode all = JSON.createArrayNode();
        String token = "";
        do {
            JsonNode page = get(path + "?limit=1000" + (token.isEmpty() ? "" : "&token=" + encode(token)));
            page.path(entries).forEach(all::add);
            token = page.path("next").asText("");
        } while (!token.isEmpty());
        return all;
    }

    /** What the project keeps below a path of artifacts, folders with all that is in them: sizes by path. */
    Map<String, Long> artifacts(String root) {
        var files = new TreeMap<String, Long>();
        collect(root, "", files);
        return files;
    }

    private void collect(String root, String folder, Map<String, Long> files) {
        ListingBounds.depth(server, folder);
        String path = folder.isEmpty() ? root : root + "/" + folder;
        JsonNode listed = send(request("/api/2.0/mlflow-artifacts/artifacts?path=" + encode(path))
                .header("X-MLFLOW-WORKSPACE", project)
                .GET());
        for (JsonNode entry : listed.path("files")) {
            String name = entry.path("path").asText();
            String inside = folder.isEmpty() ? name : folder + "/" + name;
            if (entry.path("is_dir").asBoolean()) {
                collect(root, inside, files);
            } else {
                files.put(inside, entry.path("file_size").asLong());
            }
        }
    }

    JsonNode post(String path, JsonNode body) {
        return send(request(path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString())));
    }

    /** Calls one of MLflow's routes for the project. */
    JsonNode postToMlflow(String path, JsonNode body) {
        return send(request(path)
                .header("Content-Type", "application/json")
                .header("X-MLFLOW-WORKSPACE", project)
                .POST(BodyPublishers.ofString(body.toString())));
    }

    JsonNode upload(String path, Path file) throws IOException {
        return send(request(path)
                .timeout(Duration.ofHours(1))
                .header("Content-Type", "application/octet-stream")
                .POST(BodyPublishers.ofFile(file)));
    }

    JsonNode put(String path, JsonNode body, Optional<String> ifMatch) {
        HttpRequest.Builder request =
                request(path).header("Content-Type", "application/json").PUT(BodyPublishers.ofString(body.toString()));
        ifMatch.ifPresent(version -> request.header("If-Match", version));
        return send(request);
    }

    JsonNode delete(String path) {
        return send(request(path).DELETE());
    }

    /** Address of a file or folder among the artifacts. */
    static String artifact(String path) {
        return "/api/2.0/mlflow-artifacts/artifacts/" + Downloads.encoded(path);
    }

    /** Deletes what one of MLflow's routes names for the project. */
    JsonNode deleteFromMlflow(String path) {
        return send(request(path).header("X-MLFLOW-WORKSPACE", project).DELETE());
    }

    /** Stores a file where MLflow's clients would. */
    JsonNode putFile(String path, Path file) throws IOException {
        return send(request(path)
                .timeout(Duration.ofHours(1))
                .header("Content-Type", "application/octet-stream")
                .header("X-MLFLOW-WORKSPACE", project)
                .PUT(BodyPublishers.ofFile(file)));
    }

    /** Stores a stream where MLflow's clients would put a file. */
    JsonNode putStream(String path, Supplier<InputStream> content) {
        return send(request(path)
                .timeout(Duration.ofHours(1))
                .header("Content-Type", "application/octet-stream")
                .header("X-MLFLOW-WORKSPACE", project)
                .PUT(BodyPublishers.ofInputStream(content)));
    }

    /**
     * Fetches a file, streamed.
     *
     * @param bytes that it has, as the server has listed it; negative if it has not
     */
    void download(String path, Path target, long bytes) throws IOException {
        HttpRequest request = request(path).timeout(Duration.ofHours(1)).GET().build();
        try (InputStream body = open(request, () -> ArrivingBody.file(bounds, bytes))) {
            write(body, target);
        } catch (ArrivingBody.TooLong | ArrivingBody.TooSlow e) {
            throw ArrivingBody.told(request.uri(), e);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Into the file that is there, if one is, with the rights that it has; no part of it stays. */
    private static void write(InputStream body, Path target) throws IOException {
        try (OutputStream out = Files.newOutputStream(target)) {
            body.transferTo(out);
        } catch (ArrivingBody.TooLong | ArrivingBody.TooSlow e) {
            Files.delete(target);
            throw e;
        }
    }

    /** A stream of server-sent events, which may be silent for any time, to be closed by the caller. */
    InputStream stream(String path) {
        HttpRequest request = request(path).timeout(Duration.ofDays(1)).GET().build();
        try {
            return open(request, ArrivingBody::events);
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** The body of an answer, to be closed by the caller; a refusal is thrown. */
    private InputStream open(HttpRequest request, Supplier<ArrivingBody> body) throws IOException {
        try {
            HttpResponse<InputStream> response =
                    http.send(request, head -> head.statusCode() < 400 ? body.get() : ArrivingBody.kept(bounds));
            if (response.statusCode() >= 400) {
                throw failure(response.statusCode(), ArrivingBody.beginning(response.body(), REFUSAL_BYTES));
            }
            return response.body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException(Exit.INTERRUPTED, "interrupted");
        }
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder builder =
                HttpRequest.newBuilder(URI.create(server + path)).timeout(TIMEOUT);
        token.ifPresent(secret -> builder.header("Authorization", "Bearer " + secret));
        return builder;
    }

    private JsonNode send(HttpRequest.Builder building) {
        HttpRequest request = building.build();
        try {
            HttpResponse<InputStream> response = http.send(request, head -> ArrivingBody.kept(bounds));
            int status = response.statusCode();
            if (status >= 400) {
                CliException failure = failure(status, ArrivingBody.beginning(response.body(), REFUSAL_BYTES));
                throw status == 502 || status == 503 ? new Unreachable(String.valueOf(failure.getMessage())) : failure;
            }
            byte[] body = response.body().readAllBytes();
            return body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body);
        } catch (JsonProcessingException e) {
            throw new CliException(Exit.FAILURE, server + " does not answer as a Tidemill server does");
        } catch (ArrivingBody.TooLong | ArrivingBody.TooSlow e) {
            throw ArrivingBody.told(request.uri(), e);
        } catch (IOException e) {
            throw unreachable(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CliException(Exit.INTERRUPTED, "interrupted");
        }
    }

    private Unreachable unreachable(IOException e) {
        return unreachable(server, e, "Start one with 'tidemill server', or name yours with --server");
    }

    /**
     * What a call tells that had no answer.
     *
     * @param remedy what to do where no server answers
     * @throws CliException where a server answers, but cannot be talked to
     */
    static Unreachable unreachable(String server, IOException e, String remedy) {
        if (e instanceof SSLHandshakeException) {
            throw new CliException(
                    Exit.FAILURE,
                    server + ": its certificate is not trusted (" + e.getMessage()
                            + "). Name the file of its authority with --ca-certificate");
        }
        if (e instanceof SSLException) {
            throw new CliException(
                    Exit.FAILURE,
                    server + ": no TLS is spoken there (" + e.getMessage()
                            + "). A server without --tls-cert is named with http://");
        }
        String why = e instanceof ConnectException
                ? "no server answers there"
                : Optional.ofNullable(e.getMessage()).orElse(e.getClass().getSimpleName());
        return new Unreachable(server + ": " + why + ". " + remedy);
    }

    private CliException failure(int status, String body) {
        try {
            JsonNode problem = JSON.readTree(body);
            var text = new StringBuilder(problem.path("detail")
                    .asText(problem.path("message").asText(problem.path("error").asText("HTTP " + status))));
            if (problem.hasNonNull("remedy")) {
                text.append("\n  ").append(problem.get("remedy").asText());
            }
            if (status == 401 && token.isEmpty()) {
                text.append("\n  Put a token into the environment variable TIDEMILL_TOKEN");
            }
            if (status >= 500 && problem.hasNonNull("requestId")) {
                text.append("\n  request ").append(problem.get("requestId").asText());
            }
            return new CliException(Exit.of(status), text.toString());
        } catch (JsonProcessingException e) {
            return new CliException(Exit.of(status), "HTTP " + status);
        }
    }

    /** The server cannot be reached now; the same call may succeed later. */
    static final class Unreachable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unreachable(String message) {
            super(message);
        }
    }
}
