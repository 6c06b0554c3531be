package dev.tidemill.app;

import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** A whole server on a free port, and calls to it. */
final class TestServer implements AutoCloseable {
    final Server server;
    private final HttpClient http = HttpClient.newHttpClient();

    private TestServer(Server server) {
        this.server = server;
    }

    static TestServer start(Map<Setting, String> settings) {
        try {
            return start(Files.createTempDirectory("tidemill-server"), settings);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static TestServer start(Path directory, Map<Setting, String> settings) {
        var flags = new HashMap<String, String>();
        flags.put(Setting.HTTP_PORT.key(), "0");
        flags.put(Setting.GRPC_PORT.key(), "0");
        flags.put(Setting.DATA_DIRECTORY.key(), directory.toString());
        settings.forEach((setting, value) -> flags.put(setting.key(), value));
        return new TestServer(Server.start(Settings.load(Optional.empty(), Map.of(), flags)));
    }

    String base() {
        return server.url().replace("0.0.0.0", "127.0.0.1");
    }

    HttpResponse<String> call(String method, String path, Optional<String> token, String body, String... headers) {
        var request = HttpRequest.newBuilder(URI.create(base() + path))
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    HttpResponse<String> get(String path) {
        return call("GET", path, Optional.empty(), "");
    }

    HttpResponse<String> post(String path, String body) {
        return call("POST", path, Optional.empty(), body);
    }

    @Override
    public void close() {
        server.close();
    }
}
