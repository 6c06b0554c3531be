package dev.tidemill.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Calls the models of one project. A server that is busy is asked again as long as the time for a call allows. Thread-safe;
 * make one and keep it.
 */
public final class TidemillClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long LONGEST_PAUSE_MILLIS = 5_000;

    private final URI server;
    private final String project;
    private final @Nullable String token;
    private final Duration timeout;
    private final HttpClient http;

    private TidemillClient(Builder builder) {
        this.server = builder.server;
        this.project = builder.project;
        this.token = builder.token;
        this.timeout = builder.timeout;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(builder.timeout)
                .build();
    }

    /**
     * Begins a client.
     *
     * @param server such as {@code https://models.example.org}
     */
    public static Builder at(String server) {
        return new Builder(URI.create(server.replaceAll("/+$", "")));
    }

    /** How a client is to be. */
    public static final class Builder {
        private final URI server;
        private String project = "default";
        private @Nullable String token;
        private Duration timeout = Duration.ofSeconds(30);

        private Builder(URI server) {
            this.server = server;
        }

        /** The project whose models are called; {@code default} unless given. */
        public Builder project(String name) {
            this.project = name;
            return this;
        }

        /** A token of the server's, where it asks for one. */
        public Builder token(String secret) {
            this.token = secret;
            return this;
        }

        /** How long one call may take, with every try; 30 s unless given. */
        public Builder timeout(Duration longest) {
            this.timeout = longest;
            return this;
        }

        public TidemillClient build() {
            return new TidemillClient(this);
        }
    }

    /**
     * What to ask beside the rows.
     *
     * @param version number or alias that must answer; none lets a deployment decide, or takes a model's newest
     * @param id of the request: sent again with the same, it is journalled once
     * @param entity whom the rows are about: the same one keeps its route
     * @param eventTime when what the rows describe happened; now if not given
     */
    public record Options(
            @Nullable String version,
            @Nullable String id,
            @Nullable String entity,
            @Nullable Instant eventTime) {
        /** Nothing in particular. */
        public static final Options NONE = new Options(null, null, null, null);

        /** A version or alias that must answer. */
        public static Options version(String numberOrAlias) {
            return new Options(numberOrAlias, null, null, null);
        }
    }

    /** Predicts one row given by column; see {@link #predict(String, List, Options)}. */
    public Prediction predict(String model, Map<String, ? extends @Nullable Object> row) {
        return predict(model, List.of(row), Options.NONE).get(0);
    }

    /** Predicts rows given by column; see {@link #predict(String, List, Options)}. */
    public List<Prediction> predict(String model, List<? extends Map<String, ? extends @Nullable Object>> rows) {
        return predict(model, rows, Options.NONE);
    }

    /**
     * Predicts rows given by column.
     *
     * @param model a deployment, or a registered model whether deployed or not
     * @param rows numbers, texts and truths by column; a column that a row lacks, and null, is missing
     * @return one prediction for each row, in order
     * @throws TidemillException if the server refuses, with its reason, or is not reached in time
     */
    public List<Prediction> predict(
            String model, List<? extends Map<String, ? extends @Nullable Object>> rows, Options options) {
        if (rows.isEmpty()) {
            return List.of();
        }
        ObjectNode body = JSON.createObjectNode();
        body.set("inputs", tensors(rows));
        ObjectNode parameters = body.putObject("parameters");
        if (options.id() != null) {
            body.put("id", options.id());
        }
        if (options.entity() != null) {
            parameters.put("entity", options.entity());
        }
        if (options.eventTime() != null) {
            parameters.put("event_time", options.eventTime().toString());
        }
        String which = options.version() == null ? "" : "/versions/" + encoded(options.version());
        return predictions(post("/v2/models/" + name(model) + which + "/infer", body), rows.size());
    }

    /** Whether a model would answer now, without being loaded first. */
    public boolean isReady(String model) {
        return send(request("/v2/models/" + name(model) + "/ready").GET()).statusCode() == 200;
    }

    /**
     * Tells what really happened.
     *
     * @param id of the prediction
     * @throws TidemillException if there is no such deployment
     */
    public void label(String deployment, String id, Object value) {
        ObjectNode body = JSON.createObjectNode();
        body.putArray("labels").addObject().put("id", id).put("value", String.valueOf(value));
        post("/api/tidemill/v1/projects/" + encoded(project) + "/deployments/" + encoded(deployment) + "/labels", body);
    }

    private static ArrayNode tensors(List<? extends Map<String, ? extends @Nullable Object>> rows) {
        Set<String> columns = new LinkedHashSet<>();
        rows.forEach(row -> columns.addAll(row.keySet()));
        ArrayNode tensors = JSON.createArrayNode();
        for (String column : columns) {
            List<@Nullable Object> values = new ArrayList<>();
            for (Map<String, ? extends @Nullable Object> row : rows) {
                values.add(row.get(column));
            }
            ObjectNode tensor = tensors.addObject().put("name", column);
            tensor.putArray("shape").add(rows.size());
            String datatype = datatype(column, values);
            tensor.put("datatype", datatype);
            ArrayNode data = tensor.putArray("data");
            for (Object value : values) {
                if (value == null || value instanceof Double number && number.isNaN()) {
                    data.addNull();
                } else if (datatype.equals("FP64") && value instanceof Boolean truth) {
                    data.add(truth ? 1 : 0);
                } else if (datatype.equals("BYTES")) {
                    data.add(String.valueOf(value));
                } else {
                    data.addPOJO(value);
                }
            }
        }
        return tensors;
    }

    private static String datatype(String column, List<? extends @Nullable Object> values) {
        boolean whole = true;
        boolean number = true;
        boolean truth = true;
        for (Object value : values) {
            whole &= value instanceof Long
                    || value instanceof Integer
                    || value instanceof Short
                    || value instanceof Byte;
            truth &= value instanceof Boolean;
            // Truths and whole numbers have no way to be missing.
            number &= value == null || value instanceof Number || value instanceof Boolean;
            if (value != null
                    && !(value instanceof Number || value instanceof Boolean || value instanceof CharSequence)) {
                throw new IllegalArgumentException(
                        "Column '" + column + "' holds a " + value.getClass().getName());
            }
        }
        return truth ? "BOOL" : whole ? "INT64" : number ? "FP64" : "BYTES";
    }

    private static List<Prediction> predictions(JsonNode answer, int rows) {
        JsonNode output = answer.path("outputs").path(0);
        JsonNode data = output.path("data");
        int width = rows == 0 ? 0 : data.size() / rows;
        List<Prediction> predictions = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            List<@Nullable Object> values = new ArrayList<>();
            for (int i = row * width; i < (row + 1) * width; i++) {
                values.add(value(data.path(i)));
            }
            String id = answer.path("id").asText();
            predictions.add(new Prediction(
                    rows == 1 ? id : id + "." + row,
                    answer.path("model_version").asText(),
                    answer.path("parameters").path("route").asText("champion"),
                    Collections.unmodifiableList(values)));
        }
        return predictions;
    }

    private static @Nullable Object value(JsonNode node) {
        if (node.isIntegralNumber()) {
            return node.canConvertToLong() ? node.asLong() : node.bigIntegerValue();
        }
        return node.isNumber()
                ? (Object) node.asDouble()
                : node.isBoolean() ? (Object) node.asBoolean() : node.textValue();
    }

    private JsonNode post(String path, ObjectNode body) {
        byte[] content;
        try {
            content = JSON.writeValueAsBytes(body);
        } catch (IOException e) {
            throw new IllegalArgumentException("The rows cannot be written as JSON", e);
        }
        HttpRequest.Builder request = request(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(content));
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            HttpResponse<byte[]> response = send(request);
            long pause = pause(response);
            if (response.statusCode() == 503 && System.nanoTime() + pause * 1_000_000 < deadline) {
                sleep(pause);
                continue;
            }
            return parsed(response);
        }
    }

    private static long pause(HttpResponse<byte[]> response) {
        String seconds = response.headers().firstValue("Retry-After").orElse("1");
        return seconds.matches("\\d{1,5}") ? Math.min(LONGEST_PAUSE_MILLIS, Long.parseLong(seconds) * 1_000) : 1_000;
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException("Interrupted while the server was busy", e);
        }
    }

    private static JsonNode parsed(HttpResponse<byte[]> response) {
        JsonNode json;
        try {
            json = response.body().length == 0 ? JSON.nullNode() : JSON.readTree(response.body());
        } catch (IOException e) {
            json = JSON.nullNode();
        }
        if (response.statusCode() / 100 == 2) {
            return json;
        }
        String detail = json.path("error").asText(json.path("detail").asText("no reason"));
        throw new TidemillException(response.statusCode(), "HTTP " + response.statusCode() + ": " + detail);
    }

    private HttpRequest.Builder request(String path) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(server + path)).timeout(timeout);
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        return request;
    }

    /** The request's own time ends with the answer's head; what follows may drip. */
    private HttpResponse<byte[]> send(HttpRequest.Builder request) {
        CompletableFuture<HttpResponse<byte[]>> answer =
                http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        try {
            return answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new TidemillException(server + " was not reached: " + cause, cause);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new TidemillException(server + " has not answered whole within " + timeout, e);
        } catch (InterruptedException e) {
            answer.cancel(true);
            Thread.currentThread().interrupt();
            throw new TidemillException("Interrupted", e);
        }
    }

    private String name(String model) {
        return project.equals("default") ? encoded(model) : encoded(project) + "~" + encoded(model);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
