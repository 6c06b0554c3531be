package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A server that fails for a moment is asked again; one that refuses, or that was never there, is not. */
class ServerSourceTest {
    private final AtomicInteger calls = new AtomicInteger();
    private HttpServer server;
    private volatile int failures;
    /** 0 drops the connection without a word. */
    private volatile int status = 200;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            boolean fails = calls.getAndIncrement() < failures;
            exchange.getRequestBody().readAllBytes();
            if (fails && status == 0) {
                exchange.close();
                return;
            }
            byte[] body = (fails ? "try later" : "{\"experiments\":[{\"experiment_id\":\"7\"}]}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(fails ? status : 200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private ServerSource source() throws IOException {
        String address = "http://127.0.0.1:" + server.getAddress().getPort();
        return new ServerSource(
                address, null, Optional.empty(), LocalFiles.named(List.of()), Duration.ofMillis(1), AnswerBounds.USUAL);
    }

    private static List<String> ids(ServerSource source) throws IOException {
        return source.experiments().stream()
                .map(experiment -> experiment.path("experiment_id").asText())
                .toList();
    }

    @Test
    void whatFailsForAMomentIsAskedAgain() throws IOException {
        for (int momentary : new int[] {408, 429, 502, 503, 504}) {
            calls.set(0);
            status = momentary;
            failures = 4;
            try (ServerSource source = source()) {
                assertThat(ids(source)).as("status " + momentary).containsExactly("7");
            }
            assertThat(calls).hasValue(5);
        }
    }

    @Test
    void aConnectionThatBreaksOffIsMadeAnewOnceSomethingHasAnswered() throws IOException {
        try (ServerSource source = source()) {
            assertThat(ids(source)).containsExactly("7");
            calls.set(0);
            status = 0;
            failures = 3;
            assertThat(ids(source)).containsExactly("7");
        }
    }

    @Test
    void whatGoesOnFailingIsToldWithItsStatus() throws IOException {
        status = 502;
        failures = 1_000;
        try (ServerSource source = source()) {
            assertThatThrownBy(() -> ids(source))
                    .hasMessageContaining("answers 502")
                    .hasMessageContaining("try later");
        }
        assertThat(calls).hasValue(6);
    }

    @Test
    void aRefusalIsNotAskedAgain() throws IOException {
        for (int refusal : new int[] {400, 401, 404, 500}) {
            calls.set(0);
            status = refusal;
            failures = 1_000;
            try (ServerSource source = source()) {
                assertThatThrownBy(() -> ids(source)).hasMessageContaining("answers " + refusal);
            }
            assertThat(calls).hasValue(1);
        }
    }

    /** Only a server that says that it has none has none: a version is made without files for good. */
    @Test
    void aVersionWhoseFilesCannotBeAskedForIsNotOneWithoutFiles() throws IOException {
        JsonNode version = Api.object().put("name", "churn").put("version", "1");
        try (ServerSource source = source()) {
            failures = 1_000;
            for (int refusal : new int[] {400, 401, 403, 500, 502}) {
                status = refusal;
                assertThatThrownBy(() -> source.storage(version)).hasMessageContaining("answers " + refusal);
            }
            status = 404;
            assertThat(source.storage(version)).isEmpty();
        }
    }

    @Test
    void anAddressWhereNothingAnswersIsToldOfAtOnce() throws IOException {
        ServerSource source = source();
        server.stop(0);
        assertThatThrownBy(() -> ids(source))
                .isInstanceOf(Api.Unreachable.class)
                .hasMessageContaining("no server answers there");
        source.close();
    }
}
