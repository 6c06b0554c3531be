package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A live MLflow server. Its credentials are those that MLflow's own client would use. */
final class ServerSource implements ImportSource {
    private static final String API = "/api/2.0/mlflow";
    private static final int PAGE = 1000;
    private static final int TRACES = 100;
    private static final String OWN = "mlflow-artifacts:";
    /** Statuses with which a server or a proxy before it says that it may do better soon. */
    private static final Set<Integer> MOMENTARY = Set.of(408, 429, 502, 503, 504);

    private static final int ATTEMPTS = 6;

    private final HttpClient http;
    private final String base;
    private final @Nullable String workspace;
    private final LocalFiles local;
    private final Duration firstPause;
    private boolean answered;
    private @Nullable String lastName;
    private JsonNode lastModel = Api.object();

    ServerSource(String base, LocalFiles local) {
        this(
                base,
                null,
                Optional.ofNullable(System.getenv("MLFLOW_TRACKING_SERVER_CERT_PATH"))
                        .filter(file -> !file.isBlank()),
                local);
    }

    ServerSource(String base, @Nullable String workspace, Optional<String> authorities, LocalFiles local) {
        this(base, workspace, authorities, local, Duration.ofMillis(250));
    }

    /**
     * @param workspace whose things are read; null for the credentials' own
     * @param authorities PEM file of those that may vouch for the server; empty for those that Java knows
     * @param local those that are read where the server says that files are on this machine
     * @param firstPause before what failed for a moment is asked again; doubled from then on
     */
    ServerSource(
            String base,
            @Nullable String workspace,
            Optional<String> authorities,
            LocalFiles local,
            Duration firstPause) {
        this.http = ServerTrust.client(authorities)
                .connectTimeout(Duration.ofSeconds(10))
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
        this.base = base.replaceFirst("/+$", "");
        this.workspace = workspace;
        this.local = local;
        this.firstPause = firstPause;
    }

    private HttpRequest.Builder request(String path) {
        var request = HttpRequest.newBuilder(URI.create(base + path)).timeout(Duration.ofMinutes(5));
        if (workspace != null) {
            request.header("X-MLFLOW-WORKSPACE", workspace);
        }
        String token = System.getenv(workspace == null ? "MLFLOW_TRACKING_TOKEN" : "TIDEMILL_TOKEN");
        String user = System.getenv("MLFLOW_TRACKING_USERNAME");
        if (token != null && !token.isBlank()) {
            request.header("Authorization", "Bearer " + token);
        } else if (user != null && !user.isBlank()) {
            String pair = user + ":" + String.valueOf(System.getenv("MLFLOW_TRACKING_PASSWORD"));
            request.header(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
        }
        return request;
    }

    /** Everything that is asked only reads, so what fails for a moment is asked again. */
    private <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> handler) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                HttpResponse<T> answer = http.send(request, handler);
                answered = true;
                if (attempt == ATTEMPTS || !MOMENTARY.contains(answer.statusCode())) {
                    return answer;
                }
                if (answer.body() instanceof InputStream body) {
                    body.close();
                }
            } catch (IOException e) {
                // An address at which nothing has answered yet is more likely wrong.
                if (!answered || attempt == ATTEMPTS && e instanceof ConnectException) {
                    throw Api.unreachable(base, e, "Start it, or name another address");
                }
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CliException(Exit.INTERRUPTED, "interrupted");
            }
            Retry.sleep(firstPause.multipliedBy(1L << (attempt - 1)));
        }
    }

    private JsonNode call(HttpRequest request) throws IOException {
        HttpResponse<String> answer = send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 400) {
            throw new CliException(
                    Exit.of(answer.statusCode()),
                    base + " answers " + answer.statusCode() + " to "
                            + request.uri().getPath() + ": "
                            + answer.body()
                                    .substring(0, Math.min(300, answer.body().length())));
        }
        return Api.JSON.readTree(answer.body());
    }

    private JsonNode post(String path, ObjectNode body) throws IOException {
        return call(request(API + path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body.toString()))
                .build());
    }

    private JsonNode get(String path) throws IOException {
        return call(request(path).GET().build());
    }

    private ListingBounds bounds(String path) {
        return new ListingBounds(base, path);
    }

    /** Every page of a search. */
    private void pages(String path, ObjectNode body, String field, Consumer<JsonNode> each) throws IOException {
        var bounds = bounds(path);
        String token;
        do {
            JsonNode page = post(path, body);
            page.path(field).forEach(each);
            token = bounds.next(page);
            body.put("page_token", token);
        } while (!token.isEmpty());
    }

    @Override
    public List<JsonNode> experiments() throws IOException {
        var list = new ArrayList<JsonNode>();
        pages(
                "/experiments/search",
                Api.object().put("view_type", "ALL").put("max_results", PAGE),
                "experiments",
                list::add);
        return list;
    }

    @Override
    public void runs(String experimentId, Consumer<JsonNode> each) throws IOException {
        ObjectNode body = Api.object().put("run_view_type", "ALL").put("max_results", PAGE);
        body.putArray("experiment_ids").add(experimentId);
        pages("/runs/search", body, "runs", each);
    }

    @Override
    public void points(JsonNode run, Consumer<List<JsonNode>> each) throws IOException {
        String id = run.path("info").path("run_id").asText();
        for (JsonNode metric : run.path("data").path("metrics")) {
            var bounds = bounds("/metrics/get-history");
            String token = "";
            do {
                JsonNode page = get(API + "/metrics/get-history?run_id=" + Api.encode(id) + "&metric_key="
                        + Api.encode(metric.path("key").asText()) + "&max_results=" + PAGE
                        + (token.isEmpty() ? "" : "&page_token=" + Api.encode(token)));
                each.accept(page.path("metrics").valueStream().toList());
                token = bounds.next(page);
            } while (!token.isEmpty());
        }
    }

    @Override
    public void loggedModels(String experimentId, Consumer<JsonNode> each) throws IOException {
        ObjectNode body = Api.object().put("max_results", 100);
        body.putArray("experiment_ids").add(experimentId);
        try {
            pages("/logged-models/search", body, "models", each);
        } catch (CliException olderServer) {
            if (olderServer.exit() != Exit.NOT_FOUND) {
                throw olderServer;
            }
        }
    }

    @Override
    public void traces(String experimentId, Batch each) throws IOException {
        ObjectNode body = Api.object().put("max_results", TRACES);
        body.putArray("locations").add(TraceMessages.location(experimentId));
        var bounds = bounds("/traces/search");
        String token;
        do {
            JsonNode page;
            try {
                page = call(request("/api/3.0/mlflow/traces/search")
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body.toString()))
                        .build());
            } catch (CliException olderServer) {
                if (olderServer.exit() != Exit.NOT_FOUND) {
                    throw olderServer;
                }
                olderTraces(experimentId, each);
                return;
            }
            each.take(page.path("traces")
                    .valueStream()
                    .map(trace -> (JsonNode) TraceMessages.info(trace))
                    .toList());
            token = bounds.next(page);
            body.put("page_token", token);
        } while (!token.isEmpty());
    }

    /** Of a server before 3.0; those before 2.14 have none. */
    private void olderTraces(String experimentId, Batch each) throws IOException {
        var bounds = bounds("/traces");
        String token = "";
        do {
            JsonNode page;
            try {
                page = get(API + "/traces?max_results=" + TRACES + "&experiment_ids=" + Api.encode(experimentId)
                        + (token.isEmpty() ? "" : "&page_token=" + Api.encode(token)));
            } catch (CliException none) {
                if (none.exit() != Exit.NOT_FOUND) {
                    throw none;
                }
                return;
            }
            each.take(page.path("traces")
                    .valueStream()
                    .map(trace -> (JsonNode) TraceMessages.info(trace))
                    .toList());
            token = bounds.next(page);
        } while (!token.isEmpty());
    }

    @Override
    public JsonNode spans(JsonNode info) throws IOException {
        if (info.path("tags").has(TraceMessages.SPANS_TAG)) {
            JsonNode spans = get("/api/3.0/mlflow/traces/batchGet?trace_ids="
                            + Api.encode(info.path("trace_id").asText()))
                    .path("traces")
                    .path(0)
                    .path("spans");
            if (!spans.isEmpty()) {
                return TraceMessages.spans(spans);
            }
        }
        return ImportSource.super.spans(info);
    }

    @Override
    public List<JsonNode> models() throws IOException {
        var list = new ArrayList<JsonNode>();
        for (String filter : List.of("", "&filter=" + Api.encode("tags.`mlflow.prompt.is_prompt` = 'true'"))) {
            var bounds = bounds("/registered-models/search");
            String token = "";
            do {
                JsonNode page = get(API + "/registered-models/search?max_results=500" + filter
                        + (token.isEmpty() ? "" : "&page_token=" + Api.encode(token)));
                page.path("registered_models").forEach(list::add);
                token = bounds.next(page);
            } while (!token.isEmpty());
        }
        return list;
    }

    @Override
    public List<JsonNode> versions(String model) throws IOException {
        var list = new ArrayList<JsonNode>();
        // Filters have no way to write a quote inside of quotes: a name with both kinds is looked for among all.
        String quote = model.contains("'") ? "\"" : "'";
        String named = model.contains(quote) ? "" : "name = " + quote + model + quote;
        for (String more : List.of("", "tags.`mlflow.prompt.is_prompt` = 'true'")) {
            String filter = named.isEmpty() || more.isEmpty() ? named + more : named + " AND " + more;
            var bounds = bounds("/model-versions/search");
            String token = "";
            do {
                JsonNode page = get(API + "/model-versions/search?max_results=1000"
                        + (filter.isEmpty() ? "" : "&filter=" + Api.encode(filter))
                        + (token.isEmpty() ? "" : "&page_token=" + Api.encode(token)));
                for (JsonNode version : page.path("model_versions")) {
                    if (version.path("name").asText().equals(model)) {
                        list.add(version);
                    }
                }
                token = bounds.next(page);
            } while (!token.isEmpty());
        }
        return list;
    }

    @Override
    public Optional<String> storage(JsonNode version) throws IOException {
        try {
            return Optional.of(get(API + "/model-versions/get-download-uri?name="
                                    + Api.encode(version.path("name").asText()) + "&version="
                                    + Api.encode(version.path("version").asText()))
                            .path("artifact_uri")
                            .asText())
                    .filter(uri -> !uri.isEmpty());
        } catch (CliException none) {
            if (none.exit() != Exit.NOT_FOUND) {
                throw none;
            }
            return Optional.empty();
        }
    }

    @Override
    public List<String> leftBehind() {
        var list = new ArrayList<>(List.of(
                "Evaluation data sets, scorers and webhooks are not taken along",
                "Deleted model versions are not taken along; their numbers stay free"));
        list.addAll(local.leftBehind());
        return list;
    }

    @Override
    public List<ArtifactFile> files(String uri) throws IOException {
        if (!uri.startsWith(OWN)) {
            return local.files(uri);
        }
        return listed(uri.replaceFirst("^mlflow-artifacts:(//[^/]*)?/+", ""));
    }

    private List<ArtifactFile> listed(String root) throws IOException {
        var files = new ArrayList<ArtifactFile>();
        var folders = new ArrayDeque<>(List.of(""));
        for (int asked = 0; !folders.isEmpty(); asked++) {
            String folder = folders.pop();
            if (asked == ListingBounds.PAGES) {
                throw new CliException(Exit.FAILURE, base + " lists more than " + asked + " folders below " + root);
            }
            ListingBounds.depth(base, folder);
            String path = folder.isEmpty() ? root : root + "/" + folder;
            for (JsonNode entry : get("/api/2.0/mlflow-artifacts/artifacts?path=" + Api.encode(path))
                    .path("files")) {
                String name = entry.path("path").asText();
                String inside = folder.isEmpty() ? name : folder + "/" + name;
                if (entry.path("is_dir").asBoolean()) {
                    folders.push(inside);
                } else {
                    files.add(new ArtifactFile(
                            inside, entry.path("file_size").asLong(), () -> open(root + "/" + inside)));
                }
            }
        }
        return files;
    }

    /** Where the files of a version of our own server are: its folder, which a copy shares with what it was made from. */
    String versionFiles(JsonNode version) throws IOException {
        String name = version.path("name").asText();
        if (!name.equals(lastName)) {
            lastModel = get("/api/tidemill/v1/projects/" + Api.encode(String.valueOf(workspace)) + "/models/"
                    + Api.encode(name));
            lastName = name;
        }
        for (JsonNode known : lastModel.path("versions")) {
            if (known.path("version").asText().equals(version.path("version").asText()) && known.hasNonNull("folder")) {
                return OWN + "/folders/" + known.path("folder").asText();
            }
        }
        return storage(version).orElse("");
    }

    private InputStream open(String path) throws IOException {
        HttpResponse<InputStream> answer = send(
                request("/api/2.0/mlflow-artifacts/artifacts/" + Downloads.encoded(path))
                        .GET()
                        .build(),
                HttpResponse.BodyHandlers.ofInputStream());
        if (answer.statusCode() >= 400) {
            answer.body().close();
            throw new CliException(Exit.FAILURE, base + " answers " + answer.statusCode() + " to " + path);
        }
        return answer.body();
    }

    @Override
    public void close() {
        http.close();
    }

    /** For messages. */
    @Override
    public String toString() {
        return base;
    }

    static boolean means(@Nullable String source) {
        return source != null && source.matches("https?://.*");
    }
}
