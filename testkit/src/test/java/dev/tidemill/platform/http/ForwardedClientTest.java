package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Whom a request is taken to come from, over the wire; the test is a proxy on loopback. */
class ForwardedClientTest {
    private static final int MOST = 5;

    private static WebServer server(TrustedProxies proxies, Telemetry telemetry) {
        var manifest = new RouteManifest()
                .add(List.of(Route.get("/who", Access.open(), (context, caller) -> context.result(context.ip()))));
        return LoopbackWebServer.start(
                manifest, LoopbackWebServer.NOBODY, telemetry, new BytesInFlight(64L << 20), MOST, proxies);
    }

    /** What a request with these headers is answered; empty if its connection is not let in. */
    private static String ask(Socket socket, String headers) throws IOException {
        try {
            socket.setSoTimeout(20_000);
            String request = "GET /who HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            var answer = new StringBuilder();
            byte[] part = new byte[4096];
            while (!answer.toString().matches("(?s).*\r\n\r\n.+")) {
                int read = socket.getInputStream().read(part);
                if (read < 0) {
                    return "";
                }
                answer.append(new String(part, 0, read, StandardCharsets.US_ASCII));
            }
            return answer.substring(answer.indexOf("\r\n\r\n") + 4);
        } catch (java.net.SocketException e) {
            return "";
        }
    }

    private static String once(WebServer server, String headers) throws IOException {
        try (var socket = new Socket("127.0.0.1", server.port())) {
            return ask(socket, headers);
        }
    }

    private static int letIn(WebServer server) throws IOException {
        var sockets = new ArrayList<Socket>();
        int letIn = 0;
        for (int i = 0; i < 3 * MOST; i++) {
            sockets.add(new Socket("127.0.0.1", server.port()));
            letIn += ask(sockets.getLast(), "").isEmpty() ? 0 : 1;
        }
        for (Socket socket : sockets) {
            socket.close();
        }
        return letIn;
    }

    @Test
    void aTrustedProxyIsBelievedAndItsConnectionsAreOfMany() throws Exception {
        try (var telemetry = new Telemetry(Optional.empty());
                var server = server(TrustedProxies.of(List.of("127.0.0.0/8")), telemetry)) {
            assertThat(once(server, "")).isEqualTo("127.0.0.1");
            assertThat(once(server, "X-Forwarded-For: 1.1.1.1, 198.51.100.7\r\n"))
                    .isEqualTo("198.51.100.7");
            assertThat(once(server, "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 198.51.100.7, 127.0.0.9\r\n"))
                    .isEqualTo("198.51.100.7");
            assertThat(once(server, "Forwarded: for=\"198.51.100.8:4711\";proto=https\r\n"))
                    .isEqualTo("198.51.100.8");
            assertThat(letIn(server)).isEqualTo(3 * MOST);
        }
    }

    @Test
    void nobodyElseIs() throws Exception {
        for (TrustedProxies proxies : List.of(TrustedProxies.NONE, TrustedProxies.of(List.of("10.0.0.0/8")))) {
            try (var telemetry = new Telemetry(Optional.empty());
                    var server = server(proxies, telemetry)) {
                assertThat(once(server, "X-Forwarded-For: 198.51.100.7\r\nForwarded: for=198.51.100.8\r\n"))
                        .isEqualTo("127.0.0.1");
                assertThat(letIn(server)).isLessThanOrEqualTo(MOST);
            }
        }
    }
}
