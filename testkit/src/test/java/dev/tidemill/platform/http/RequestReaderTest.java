package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.testkit.Await;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies over the wire, with a store of users that fails as the test says. */
class RequestReaderTest {
    private static final byte[] LARGE = new byte[300 * 1024];
    private static final Principal SOMEBODY = new Principal("user:a", true, "a", Optional.empty(), Optional.empty());

    private final BytesInFlight budget = new BytesInFlight(64L << 20);
    private final Telemetry telemetry = new Telemetry(Optional.empty());
    private final HttpClient http = HttpClient.newHttpClient();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger endpoint = new AtomicInteger();
    private volatile Supplier<Optional<Principal>> users = Optional::empty;
    private WebServer server;

    @BeforeEach
    void start() {
        var authentication = new Authentication() {
            @Override
            public Optional<Principal> authenticate(Credentials credentials) {
                asked.incrementAndGet();
                return users.get();
            }

            @Override
            public Optional<Role> role(Principal principal, String project) {
                return Optional.of(Role.ADMIN);
            }
        };
        var manifest = new RouteManifest()
                .add(List.of(
                        Route.post("/taken", Access.signedIn(), (context, caller) -> {
                            endpoint.incrementAndGet();
                            context.result(String.valueOf(RequestBody.read(context).length));
                        }),
                        Route.put("/streamed", Access.signedIn(), (context, caller) -> {
                                    context.result(String.valueOf(
                                            RequestBody.stream(context).readAllBytes().length));
                                    endpoint.incrementAndGet();
                                })
                                .transfersFiles()));
        server = LoopbackWebServer.start(manifest, authentication, telemetry, budget, 100, TrustedProxies.NONE);
    }

    @AfterEach
    void stop() {
        server.close();
        http.close();
        telemetry.close();
    }

    private HttpResponse<String> send(byte[] body) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/taken"))
                        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static TidemillException away() {
        return new TidemillException(ErrorCode.UNAVAILABLE, "The database cannot be reached");
    }

    private void nothingIsHeld() {
        Await.until("everything is given back", () -> budget.taken() == 0);
    }

    @Test
    void whatAKnownOneSendsComesWhole() throws Exception {
        users = () -> Optional.of(SOMEBODY);
        assertThat(send(LARGE).body()).isEqualTo(String.valueOf(LARGE.length));
        nothingIsHeld();
    }

    @Test
    void whileNobodyCanTellWhoSendsTheRequestIsRefusedAndNothingIsHeld() throws Exception {
        users = () -> {
            throw away();
        };
        for (int i = 0; i < 5; i++) {
            HttpResponse<String> answer = send(LARGE);
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.body()).contains("The database cannot be reached");
            assertThat(answer.headers().firstValue("Retry-After")).contains("1");
        }
        assertThat(endpoint).hasValue(0);
        nothingIsHeld();
    }

    @Test
    void aBodyThatWasRefusedOnItsWayIsNotTakenOnceTheDatabaseIsBack() throws Exception {
        users = () -> {
            if (asked.get() == 1) {
                throw away();
            }
            return Optional.of(SOMEBODY);
        };
        assertThat(send(LARGE).statusCode()).isEqualTo(503);
        assertThat(endpoint).hasValue(0);
        nothingIsHeld();
    }

    @Test
    void aBodyOfWhichAPartCameIsNotTakenForTheWhole() throws Exception {
        users = () -> asked.get() == 1 ? Optional.empty() : Optional.of(SOMEBODY);
        try {
            assertThat(send(LARGE).statusCode()).isEqualTo(401);
        } catch (IOException e) {
            // A stranger's body is not read to its end, so that the client may see the connection close instead.
        }
        assertThat(endpoint).hasValue(0);
        nothingIsHeld();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "POST /taken HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf",
                "POST /taken HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                "POST /taken HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n0\r\n\r\n",
                "PUT /streamed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf",
                "PUT /streamed HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            })
    void aBodyThatEndsTooEarlyReachesNoEndpoint(String request) throws Exception {
        users = () -> Optional.of(SOMEBODY);
        String answer;
        try (var socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            socket.shutdownOutput();
            answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
        assertThat(answer).matches("(?s)|HTTP/1.1 400 .*");
        assertThat(endpoint).hasValue(0);
        nothingIsHeld();
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST /taken", "PUT /streamed"})
    void aPackedBodyIsReadAsWhatItUnfoldsTo(String route) throws Exception {
        users = () -> Optional.of(SOMEBODY);
        byte[] packed = gzip(LARGE);
        assertThat(packed(route, "gzip", packed).body()).isEqualTo(String.valueOf(LARGE.length));
        assertThat(packed(route, "identity", packed).body()).isEqualTo(String.valueOf(packed.length));
        nothingIsHeld();
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST /taken", "PUT /streamed"})
    void aBodyThatIsNotPackedAsItsHeaderSaysIsRefused(String route) throws Exception {
        users = () -> Optional.of(SOMEBODY);
        byte[] packed = gzip(LARGE);
        for (HttpResponse<String> answer : List.of(
                packed(route, "gzip", Arrays.copyOf(packed, packed.length / 2)),
                packed(route, "gzip", Arrays.copyOf(packed, 5)),
                packed(route, "deflate", packed),
                packed(route, "br", packed))) {
            assertThat(answer.statusCode()).isEqualTo(400);
            assertThat(answer.body()).contains("Content-Encoding");
        }
        assertThat(endpoint).hasValue(0);
        nothingIsHeld();
    }

    private static byte[] gzip(byte[] body) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var packing = new GZIPOutputStream(bytes)) {
            packing.write(body);
        }
        return bytes.toByteArray();
    }

    private HttpResponse<String> packed(String route, String encoding, byte[] body) throws Exception {
        String[] parts = route.split(" ");
        return http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + parts[1]))
                        .method(parts[0], HttpRequest.BodyPublishers.ofByteArray(body))
                        .header("Content-Encoding", encoding)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void whatFailsUnforeseenIsAnswered() throws Exception {
        users = () -> {
            throw new IllegalStateException("a bug");
        };
        assertThat(send(LARGE).statusCode()).isEqualTo(500);
        nothingIsHeld();
    }
}
