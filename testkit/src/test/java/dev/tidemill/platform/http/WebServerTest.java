package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class WebServerTest {
    @Test
    void aServerStopsThoughSomebodyIsStillAnswered() throws Exception {
        var reached = new CountDownLatch(1);
        var never = new CountDownLatch(1);
        var manifest = new RouteManifest().add(List.of(Route.get("/slow", Access.open(), (context, caller) -> {
            reached.countDown();
            while (!awaited(never)) {
                // A step of work that takes no notice of its end.
            }
        })));
        try (var telemetry = new Telemetry(Optional.empty());
                var http = HttpClient.newHttpClient()) {
            var server = LoopbackWebServer.start(
                    manifest,
                    LoopbackWebServer.NOBODY,
                    telemetry,
                    new BytesInFlight(1 << 20),
                    100,
                    TrustedProxies.NONE);
            var address = URI.create("http://127.0.0.1:" + server.port() + "/slow");
            var answer = http.sendAsync(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(reached.await(20, TimeUnit.SECONDS)).isTrue();

            server.close();

            assertThat(answer)
                    .failsWithin(Duration.ofSeconds(20))
                    .withThrowableThat()
                    .withCauseInstanceOf(IOException.class);
            never.countDown();
        }
    }

    /** Limits by route, and what proxies allow, go by the first line of a request. */
    @Test
    void aHeaderDoesNotChangeTheMethod() throws Exception {
        var manifest = new RouteManifest()
                .add(List.of(
                        Route.get("/thing", Access.open(), (context, caller) -> context.result("read")),
                        Route.delete("/thing", Access.open(), (context, caller) -> context.result("deleted")),
                        Route.post("/thing", Access.open(), (context, caller) -> context.result("written"))));
        try (var telemetry = new Telemetry(Optional.empty());
                var http = HttpClient.newHttpClient();
                var server = LoopbackWebServer.start(
                        manifest,
                        LoopbackWebServer.NOBODY,
                        telemetry,
                        new BytesInFlight(1 << 20),
                        100,
                        TrustedProxies.NONE)) {
            var address = URI.create("http://127.0.0.1:" + server.port() + "/thing");
            for (String header : List.of("X-HTTP-Method-Override", "x-http-method-override")) {
                for (String method : List.of("DELETE", "POST", "NONSENSE")) {
                    var asked = HttpRequest.newBuilder(address).header(header, method);
                    assertThat(http.send(asked.build(), HttpResponse.BodyHandlers.ofString())
                                    .body())
                            .isEqualTo("read");
                }
            }
        }
    }

    @Test
    void textsOfAnyAlphabetTravelInHeaders() {
        for (String text : List.of("plain-1", "\u00e4-1", "\u6771\u4eac", "\ud83d\ude00")) {
            assertThat(HeaderText.read(HeaderText.written(text))).isEqualTo(text);
        }
        assertThat(HeaderText.read("\u00e4")).as("Latin 1, as some write it").isEqualTo("\u00e4");
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            return latch.await(50, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }
}
