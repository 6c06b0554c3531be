package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.testkit.Await;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Streams of events to clients of which some do not read. */
class ServerSentEventsTest {
    private static final String LARGE = "x".repeat(64 * 1024);

    private final Telemetry telemetry = new Telemetry(Optional.empty());
    private final AtomicInteger open = new AtomicInteger();
    private WebServer server;

    @BeforeEach
    void start() {
        var authentication = new Authentication() {
            @Override
            public Optional<Principal> authenticate(Credentials credentials) {
                String name = credentials.secret().orElse("a");
                return Optional.of(new Principal("user:" + name, true, name, Optional.empty(), Optional.empty()));
            }

            @Override
            public Optional<Role> role(Principal principal, String project) {
                return Optional.of(Role.ADMIN);
            }
        };
        var manifest = new RouteManifest()
                .add(List.of(
                        Route.get("/many", Access.signedIn(), (context, caller) -> {
                            open.incrementAndGet();
                            try (var stream = ServerSentEvents.open(context, caller, Duration.ofSeconds(1))) {
                                for (int i = 0; ; i++) {
                                    stream.send(String.valueOf(i), "large", LARGE);
                                }
                            } finally {
                                open.decrementAndGet();
                            }
                        }),
                        Route.get("/quiet", Access.signedIn(), (context, caller) -> {
                            open.incrementAndGet();
                            try (var stream = ServerSentEvents.open(context, caller, Duration.ofSeconds(1))) {
                                for (int i = 0; ; i++) {
                                    stream.send(String.valueOf(i), "small", "x");
                                    Thread.sleep(100);
                                }
                            } finally {
                                open.decrementAndGet();
                            }
                        })));
        server = LoopbackWebServer.start(
                manifest, authentication, telemetry, new BytesInFlight(64L << 20), 1000, TrustedProxies.NONE);
    }

    @AfterEach
    void stop() {
        server.close();
        telemetry.close();
    }

    private Socket subscribe(String path) throws IOException {
        return subscribe(path, "a");
    }

    private Socket subscribe(String path, String caller) throws IOException {
        var socket = new Socket();
        socket.setReceiveBufferSize(16 * 1024);
        socket.setSoTimeout(20_000);
        socket.connect(new InetSocketAddress("127.0.0.1", server.port()));
        socket.getOutputStream()
                .write(("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer "
                                + caller + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    private static String status(Socket socket) throws IOException {
        return new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
    }

    @Test
    void whoDoesNotReadIsLetGoAndOthersGoOn() throws Exception {
        try (Socket quiet = subscribe("/quiet")) {
            var lines = new BufferedReader(new InputStreamReader(quiet.getInputStream(), StandardCharsets.UTF_8));
            lines.readLine();
            var stalled = new ArrayList<Socket>();
            for (int i = 0; i < 20; i++) {
                stalled.add(subscribe("/many"));
            }
            for (Socket one : stalled) {
                assertThat(status(one)).isEqualTo("HTTP/1.1 200");
            }
            Await.until("those that do not read are let go, though they stay connected", () -> open.get() == 1);
            // A stream with little to say is not one whose client is slow, however long it lasts.
            for (int i = 0; i < 60; i++) {
                assertThat(lines.readLine()).isNotNull();
            }
            for (Socket one : stalled) {
                one.close();
            }
        }
        Await.until("the other has left", () -> open.get() == 0);
    }

    @Test
    void allTogetherHaveSoManyAndThoseOfClientsThatGoAreFree() throws Exception {
        var sockets = new ArrayList<Socket>();
        try {
            for (int i = 0; i < 400; i++) {
                sockets.add(subscribe("/quiet", "caller" + i % 5));
                assertThat(status(sockets.getLast())).isEqualTo("HTTP/1.1 200");
            }
            try (Socket beyond = subscribe("/quiet", "another")) {
                String head = new String(beyond.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertThat(head).startsWith("HTTP/1.1 503").contains("400 streams of events are open already");
            }
        } finally {
            for (Socket one : sockets) {
                one.close();
            }
        }
        Await.until("all have left", () -> open.get() == 0);
        try (Socket again = subscribe("/quiet", "another")) {
            assertThat(status(again)).isEqualTo("HTTP/1.1 200");
        }
    }

    @Test
    void nobodyTakesAllStreams() throws Exception {
        var sockets = new ArrayList<Socket>();
        try {
            for (int i = 0; i < 100; i++) {
                sockets.add(subscribe("/quiet"));
                assertThat(status(sockets.getLast())).isEqualTo("HTTP/1.1 200");
            }
            try (Socket beyond = subscribe("/quiet")) {
                assertThat(status(beyond)).isEqualTo("HTTP/1.1 503");
            }
        } finally {
            for (Socket one : sockets) {
                one.close();
            }
        }
        Await.until("all have left", () -> open.get() == 0);
        try (Socket again = subscribe("/quiet")) {
            assertThat(status(again)).isEqualTo("HTTP/1.1 200");
        }
    }
}
