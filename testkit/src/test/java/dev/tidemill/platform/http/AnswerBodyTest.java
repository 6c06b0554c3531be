package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Answers that fail while they are written, as a client without a library sees them. */
class AnswerBodyTest {
    private static final int BELOW = 20_000;
    private static final int ABOVE = 300_000;

    private final Telemetry telemetry = new Telemetry(Optional.empty());
    private WebServer server;

    @BeforeEach
    void start() {
        var manifest = new RouteManifest()
                .add(List.of(
                        Route.get(
                                "/json/{bytes}",
                                Access.open(),
                                (context, caller) -> StreamedJson.generate(context, out -> {
                                    out.writeStartObject();
                                    out.writeArrayFieldStart("items");
                                    for (int i = 0; i < bytes(context.pathParam("bytes")) / 1_000; i++) {
                                        out.writeTree(item());
                                    }
                                    throw away();
                                })),
                        Route.get(
                                "/whole/{bytes}",
                                Access.open(),
                                (context, caller) -> StreamedJson.generate(
                                        context,
                                        out -> out.writeString("y".repeat(bytes(context.pathParam("bytes")))))),
                        Route.file(
                                "/file/{bytes}",
                                Access.open(),
                                (context, caller) -> new FileAnswer(
                                        "a",
                                        400_000,
                                        Optional.empty(),
                                        () -> failing(bytes(context.pathParam("bytes")))))))
                .add(List.of(Route.get("/streamed/{bytes}", Access.open(), (context, caller) -> {
                    var out = AnswerBody.of(context);
                    out.write("{\"traces\":[".getBytes(StandardCharsets.UTF_8));
                    out.write(new byte[BELOW]);
                    out.flush();
                    throw away();
                })));
        server = LoopbackWebServer.start(
                manifest, LoopbackWebServer.NOBODY, telemetry, new BytesInFlight(64L << 20), 100, TrustedProxies.NONE);
    }

    @AfterEach
    void stop() {
        server.close();
        telemetry.close();
    }

    private static int bytes(String text) {
        return Integer.parseInt(text);
    }

    private static ObjectNode item() {
        return Json.object().put("text", "x".repeat(1_000));
    }

    private static TidemillException away() {
        return new TidemillException(ErrorCode.UNAVAILABLE, "The database cannot be reached");
    }

    private static InputStream failing(int after) {
        return new InputStream() {
            private int given;

            @Override
            public int read() {
                if (given++ == after) {
                    throw away();
                }
                return 'z';
            }
        };
    }

    private record Seen(String text, boolean reset) {
        boolean isWhole() {
            return !reset && (!text.contains("chunked") || text.endsWith("\r\n0\r\n\r\n"));
        }
    }

    /** Everything that comes until the connection ends. */
    private Seen get(String path, String... headers) throws IOException {
        var all = new ByteArrayOutputStream();
        try (var socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream()
                    .write(("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + String.join("\r\n", headers)
                                    + (headers.length == 0 ? "" : "\r\n") + "\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            byte[] some = new byte[8192];
            int read;
            try {
                while ((read = socket.getInputStream().read(some)) >= 0) {
                    all.write(some, 0, read);
                }
            } catch (java.net.SocketException e) {
                return new Seen(all.toString(StandardCharsets.ISO_8859_1), true);
            }
        }
        return new Seen(all.toString(StandardCharsets.ISO_8859_1), false);
    }

    @ParameterizedTest
    @CsvSource({"/json/,''", "/json/,Accept-Encoding: gzip", "/streamed/,''", "/file/,''"})
    void whatFailsBeforeAnythingHasLeftIsAnsweredWithTheErrorAlone(String path, String header) throws Exception {
        Seen seen = header.isEmpty()
                ? get(path + BELOW, "Connection: close")
                : get(path + BELOW, header, "Connection: close");
        assertThat(seen.text()).startsWith("HTTP/1.1 503").contains("The database cannot be reached");
        assertThat(seen.text()).doesNotContain("xxxx").doesNotContain("items").doesNotContain("zzzz");
        assertThat(seen.isWhole()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "/json/,X-A: 1",
        "/json/,Connection: close",
        "/json/,Accept-Encoding: gzip",
        "/file/,X-A: 1",
    })
    void whatFailsLaterEndsTheConnectionSoThatNoClientTakesItForWhole(String path, String header) throws Exception {
        Seen seen = get(path + ABOVE, header);
        assertThat(seen.isWhole()).isFalse();
        assertThat(seen.text()).doesNotContain("]}").doesNotContain("The database cannot be reached");
    }

    @Test
    void whatDoesNotFailIsWhole() throws Exception {
        assertThat(get("/whole/" + BELOW, "Connection: close").text())
                .startsWith("HTTP/1.1 200")
                .endsWith("yyy\"");
        assertThat(get("/whole/" + ABOVE, "Connection: close").text())
                .startsWith("HTTP/1.1 200")
                .endsWith("yyy\"");
    }
}
