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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A live MLflow server. Its credentials are those that MLflow's own client would use. */
final class ServerSource implements ImportSource {
    private static final String API = "/api/2.0/mlflow";
    private static final int PAGE = 1000;
    private static final int TRACES = 100;
    private static final int LOGGED_MODELS = 100;
    private static final int MODELS = 500;
    private static final String OWN = "mlflow-artifacts:";
    /** Statuses with which a server or a proxy before it says that it may do better soon. */
    private static final Set<Integer> MOMENTARY = Set.of(408, 429, 502, 503, 504);

    private static final int ATTEMPTS = 6;

    private final HttpClient http;
    private final String base;
    private final @Nullable String workspace;
    private final LocalFiles local;
    private final Duration firstPause;
    private final AnswerBounds bounds;
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
        this(base, workspace, authorities, local, Duration.ofMillis(250), AnswerBounds.USUAL);
    }

    /**
     * @param workspace whose things are read; null for the credentials' own
     * @param authorities PEM file of those that may vouch for the server; empty for those that Java knows
     * @param local those that are read where the server says that files are on this machine
     * @param firstPause before what failed for a moment is asked again; doubled from then on
     * @param bounds of each answer
     */
    ServerSource(
            String base,
            @Nullable String workspace,
            Optional<String> authorities,
            LocalFiles local,
            Duration firstPause,
            AnswerBounds bounds) {
        this.http = ServerTrust.client(authorities)
                .connectTimeout(Duration.ofSeconds(10))
                .followRedirects(HttpClient.Redirect.NEVER)
                .build();
        this.base = base.replaceFirst("/+$", "");
        this.workspace = workspace;
        this.local = local;
        this.firstPause = firstPause;
        this.bounds = bounds;
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

    /** Makes something of a body. */
    @FunctionalInterface
    private interface Reading<T> {
        T of(InputStream body) throws IOException;
    }

    /** Everything that is asked only reads, so what fails for a moment is asked again. */
    private <T> T send(HttpRequest request, Supplier<ArrivingBody> body, Reading<T> reading) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                HttpResponse<InputStream> answer =
                        http.send(request, head -> head.statusCode() < 400 ? body.get() : ArrivingBody.kept(bounds));
                answered = true;
                if (answer.statusCode() < 400) {
                    return reading.of(answer.body());
                }
                if (attempt == ATTEMPTS || !MOMENTARY.contains(answer.statusCode())) {
                    throw refusal(request, answer);
                }
                answer.body().close();
            } catch (ArrivingBody.TooLong | ArrivingBody.TooSlow e) {
                throw ArrivingBody.told(request.uri(), e);
            } catch (IOException e) {
                // An address at which nothing has answered yet is more likely wrong.
                if (!answered || attempt == ATTEMPTS && e instanceof ConnectException) {
                    throw Api.unreachable(base, e, "Start it, or name another address");
                }
                if (ArrivingBody.isOverdue(e)) {
                    throw ArrivingBody.told(request.uri(), e);
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

    private CliException refusal(HttpRequest request, HttpResponse<InputStream> answer) {
        return new CliException(
                Exit.of(answer.statusCode()),
                base + " answers " + answer.statusCode() + " to "
                        + request.uri().getPath() + ": " + ArrivingBody.beginning(answer.body(), 300));
    }

    private JsonNode call(HttpRequest request) throws IOException {
        return Api.JSON.readTree(send(request, () -> ArrivingBody.kept(bounds), InputStream::readAllBytes));
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

    private ListingBounds bounds(String path, int size) {
        return new ListingBounds(base, path, size);
    }

    private static String following(String token) {
        return token.isEmpty() ? "" : "&page_token=" + Api.encode(token);
    }

    /** Every page of a search. */
    private void pages(String path, ObjectNode body, int most, String field, Consumer<JsonNode> each)
            throws IOException {
        var pages = bounds(path, most);
        String token;
        do {
            JsonNode page = pages.page(size -> post(path, body.put("max_results", size)));
            page.path(field).forEach(each);
            token = pages.next(page);
            body.put("page_token", token);
        } while (!token.isEmpty());
    }

    @Override
    public List<JsonNode> experiments() throws IOException {
        var list = new ArrayList<JsonNode>();
        pages("/experiments/search", Api.object().put("view_type", "ALL"), PAGE, "experiments", list::add);
        return list;
    }

    @Override
    public void runs(String experimentId, Consumer<JsonNode> each) throws IOException {
        ObjectNode body = Api.object().put("run_view_type", "ALL");
        body.putArray("experiment_ids").add(experimentId);
        pages("/runs/search", body, PAGE, "runs", each);
    }

    @Override
    public void points(JsonNode run, Consumer<List<JsonNode>> each) throws IOException {
        String id = run.path("info").path("run_id").asText();
        for (JsonNode metric : run.path("data").path("metrics")) {
            var pages = bounds("/metrics/get-history", PAGE);
            String token = "";
            do {
                String from = following(token);
                JsonNode page = pages.page(size -> get(API + "/metrics/get-history?run_id=" + Api.encode(id)
                        + "&metric_key=" + Api.encode(metric.path("key").asText()) + "&max_results=" + size + from));
                each.accept(page.path("metrics").valueStream().toList());
                token = pages.next(page);
            } while (!token.isEmpty());
        }
    }

    @Override
    public void loggedModels(String experimentId, Consumer<JsonNode> each) throws IOException {
        ObjectNode body = Api.object();
        body.putArray("experiment_ids").add(experimentId);
        try {
            pages("/logged-models/search", body, LOGGED_MODELS, "models", each);
        } catch (CliException olderServer) {
            if (olderServer.exit() != Exit.NOT_FOUND) {
                throw olderServer;
            }
        }
    }

    @Override
    public void traces(String experimentId, Batch each) throws IOException {
        ObjectNode body = Api.object();
        body.putArray("locations").add(TraceMessages.location(experimentId));
        var pages = bounds("/traces/search", TRACES);
        String token;
        do {
            JsonNode page;
            try {
                page = pages.page(size -> call(request("/api/3.0/mlflow/traces/search")
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(
                                body.put("max_results", size).toString()))
                        .build()));
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
            token = pages.next(page);
            body.put("page_token", token);
        } while (!token.isEmpty());
    }

    /** Of a server before 3.0; those before 2.14 have none. */
    private void olderTraces(String experimentId, Batch each) throws IOException {
        var pages = bounds("/traces", TRACES);
        String token = "";
        do {
            String from = following(token);
            JsonNode page;
            try {
                page = pages.page(size -> get(
                        API + "/traces?max_results=" + size + "&experiment_ids=" + Api.encode(experimentId) + from));
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
            token = pages.next(page);
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
            var pages = bounds("/registered-models/search", MODELS);
            String token = "";
            do {
                String from = following(token);
                JsonNode page =
                        pages.page(size -> get(API + "/registered-models/search?max_results=" + size + filter + from));
                page.path("registered_models").forEach(list::add);
                token = pages.next(page);
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
            var pages = bounds("/model-versions/search", PAGE);
            String token = "";
            do {
                String from = (filter.isEmpty() ? "" : "&filter=" + Api.encode(filter)) + following(token);
                JsonNode page = pages.page(size -> get(API + "/model-versions/search?max_results=" + size + from));
                for (JsonNode version : page.path("model_versions")) {
                    if (version.path("name").asText().equals(model)) {
                        list.add(version);
                    }
                }
                token = pages.next(page);
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
                    long bytes = entry.path("file_size").asLong(-1);
                    files.add(new ArtifactFile(inside, bytes, () -> open(root + "/" + inside, bytes)));
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

    /** @param bytes that the file is listed with; negative if it is not */
    InputStream open(String path, long bytes) throws IOException {
        HttpRequest request = request("/api/2.0/mlflow-artifacts/artifacts/" + Downloads.encoded(path))
                .GET()
                .build();
        try {
            return send(request, () -> ArrivingBody.file(bounds, bytes), body -> body);
        } catch (CliException refused) {
            // Of this file alone, whatever the status.
            throw new CliException(Exit.FAILURE, String.valueOf(refused.getMessage()));
        }
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
