package dev.tidemill.inference.controlplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/** Calls the control plane's routes for gateways. Thread-safe. */
public final class ControlPlane implements AutoCloseable {
    private static final String PLANE = "/api/tidemill/v1/plane";
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofSeconds(60);
    /** After the head of an answer: that has a time of its own. */
    private static final Duration BODY = Duration.ofSeconds(120);

    private static final int REFUSAL_BYTES = 64 * 1024;
    /** Of an answer that is kept in memory; more than any plans have. */
    private static final int ANSWER_BYTES = 256 << 20;

    private final String url;
    private final Optional<String> token;
    private final Duration patience;
    private final HttpClient client =
            HttpClient.newBuilder().connectTimeout(CONNECT).build();

    /**
     * @param url address of a server with the role {@code control}, as the operator configured it
     * @param token of an administrator there; none where the control plane asks none
     */
    public ControlPlane(String url, Optional<String> token) {
        this(url, token, BODY);
    }

    /** @param patience for a body that is kept, and for the next bytes of one that is passed on */
    ControlPlane(String url, Optional<String> token, Duration patience) {
        if (!url.matches("https?://[^/?#]+/?")) {
            throw TidemillException.invalid(
                    "control.url", "'" + url + "' is not an address such as http://control:8080");
        }
        this.url = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
        this.token = token;
        this.patience = patience;
    }

    JsonNode plans(String known, Duration wait) {
        String path = "/plans?known=" + known + "&wait=" + wait.toSeconds();
        return json(answer(request(path).GET().build()));
    }

    JsonNode models(String project, Optional<String> name, Optional<String> version) {
        String path = "/models?project=" + encoded(project)
                + name.map(text -> "&name=" + encoded(text)).orElse("")
                + version.map(text -> "&version=" + encoded(text)).orElse("");
        return json(answer(request(path).GET().build()));
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** The bytes of a blob as they come; the caller checks them against the digest, and closes the stream. */
    InputStream blob(Digest digest) {
        HttpRequest request = request("/blobs/" + digest).GET().build();
        HttpResponse<InputStream> response = send(request);
        if (response.statusCode() < 400) {
            return TimedBody.passing(response.body(), patience);
        }
        throw refusal(response);
    }

    private TidemillException refusal(HttpResponse<InputStream> response) {
        try (InputStream body = TimedBody.whole(response.body(), patience)) {
            return refusal(response.statusCode(), body.readNBytes(REFUSAL_BYTES));
        } catch (IOException e) {
            return unavailable("answered " + response.statusCode()).causedBy(e);
        }
    }

    JsonNode post(String path, JsonNode body) {
        var request = request(path)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(Json.write(body)))
                .build();
        byte[] answer = answer(request);
        return answer.length == 0 ? Json.object() : json(answer);
    }

    private HttpRequest.Builder request(String path) {
        var request = HttpRequest.newBuilder(URI.create(url + PLANE + path)).timeout(ANSWER);
        token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
        return request;
    }

    /** An answer that is kept. */
    private byte[] answer(HttpRequest request) {
        HttpResponse<InputStream> response = send(request);
        if (response.statusCode() >= 400) {
            throw refusal(response);
        }
        try (InputStream body = TimedBody.whole(response.body(), patience)) {
            byte[] bytes = body.readNBytes(ANSWER_BYTES + 1);
            if (bytes.length > ANSWER_BYTES) {
                throw unavailable("answers with more than " + ANSWER_BYTES + " bytes");
            }
            return bytes;
        } catch (IOException e) {
            throw unavailable("does not answer whole: " + e.getMessage()).causedBy(e);
        }
    }

    private HttpResponse<InputStream> send(HttpRequest request) {
        try {
            return client.send(request, BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw unavailable("does not answer: " + (e.getMessage() == null ? "nobody listens there" : e.getMessage()))
                    .causedBy(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        }
    }

    /**
     * What the control plane says of the request keeps its code. What is said of this gateway, of the moment or by somebody
     * between says nothing of the request, which may be sent again.
     */
    private TidemillException refusal(int status, byte[] body) {
        if (status == 401 || status == 403) {
            return unavailable("refuses this gateway")
                    .remedy("Set 'control.token' to a token of an administrator that has not expired");
        }
        if (status == ErrorCode.TOO_LARGE.httpStatus()) {
            return new TidemillException(
                    ErrorCode.TOO_LARGE, "The control plane at " + url + " takes no request of this size");
        }
        if (status == ErrorCode.INTERNAL.httpStatus()) {
            // It may fail for what this request holds alone, so that is not taken for one that is away.
            return told(status, body).orElseGet(() -> unavailable("answered " + status));
        }
        boolean passes = status >= 500
                || status == ErrorCode.TOO_SLOW.httpStatus()
                || status == ErrorCode.RATE_LIMITED.httpStatus()
                || status == ErrorCode.CANCELLED.httpStatus();
        return (passes ? Optional.<TidemillException>empty() : told(status, body))
                .orElseGet(() -> unavailable("answered " + status));
    }

    /** The refusal in a problem of the control plane; empty where somebody else wrote the answer. */
    private static Optional<TidemillException> told(int status, byte[] body) {
        JsonNode problem;
        try {
            problem = json(body);
        } catch (TidemillException e) {
            return Optional.empty();
        }
        return Stream.of(ErrorCode.values())
                .filter(code -> code.name().equals(problem.path("code").asText()) && code.httpStatus() == status)
                .map(code -> new TidemillException(code, problem.path("detail").asText(code.title())))
                .findFirst();
    }

    private TidemillException unavailable(String why) {
        return new TidemillException(ErrorCode.UNAVAILABLE, "The control plane at " + url + " " + why);
    }

    private static JsonNode json(byte[] bytes) {
        return Json.parseOwnObject(bytes);
    }

    @Override
    public void close() {
        client.shutdownNow();
    }
}
