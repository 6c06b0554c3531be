package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Answers that never end, or that come as good as never, are left with a word about where, how much and what to do. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ArrivingBodyTest {
    private static final AnswerBounds BOUNDS =
            new AnswerBounds(1 << 20, Duration.ofMillis(600), 1 << 10, Duration.ofMillis(300), 4 << 20);

    /** Writes an answer's body; leaves when nobody listens any more. */
    @FunctionalInterface
    private interface Body {
        void write(OutputStream out) throws IOException, InterruptedException;
    }

    @TempDir
    private Path folder;

    private final AtomicInteger asked = new AtomicInteger();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private HttpServer server;
    private volatile int status = 200;
    private volatile Body body = ArrivingBodyTest::endless;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            asked.incrementAndGet();
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(status, 0);
            try (OutputStream out = exchange.getResponseBody()) {
                body.write(out);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                exchange.close();
            }
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        threads.shutdownNow();
    }

    private static void endless(OutputStream out) throws IOException {
        byte[] some = "a".repeat(64 << 10).getBytes(StandardCharsets.US_ASCII);
        out.write("{\"experiments\":[\"".getBytes(StandardCharsets.US_ASCII));
        while (!Thread.currentThread().isInterrupted()) {
            out.write(some);
        }
    }

    private static void dripping(OutputStream out) throws IOException, InterruptedException {
        while (true) {
            out.write('[');
            out.flush();
            Thread.sleep(20);
        }
    }

    private static void silent(OutputStream out) throws IOException, InterruptedException {
        out.write("[".repeat(10_000).getBytes(StandardCharsets.US_ASCII));
        out.flush();
        Thread.sleep(Duration.ofMinutes(5));
    }

    private String address() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private ServerSource source() throws IOException {
        return new ServerSource(
                address(), null, Optional.empty(), LocalFiles.named(List.of()), Duration.ofMillis(1), BOUNDS);
    }

    private Api api() {
        return new Api(address(), Optional.empty(), "default", Optional.empty(), BOUNDS);
    }

    @Test
    void anAnswerWithoutEndIsLeftWithItsAddressAndBound() throws IOException {
        try (ServerSource source = source()) {
            assertThatThrownBy(source::experiments)
                    .isInstanceOf(CliException.class)
                    .hasMessageContaining(address())
                    .hasMessageContaining("experiments/search")
                    .hasMessageContaining("1048576 bytes");
        }
        assertThat(asked).as("1000, 100, 10 and 1 at a time").hasValue(4);
        assertThatThrownBy(() -> api().get("/api/x"))
                .isInstanceOf(CliException.class)
                .hasMessageContaining(address() + "/api/x")
                .hasMessageContaining("1048576 bytes");
    }

    @Test
    void anAnswerThatDripsIsLeftAndNotAskedForAgain() throws IOException {
        for (Body slow : List.<Body>of(ArrivingBodyTest::dripping, ArrivingBodyTest::silent)) {
            body = slow;
            asked.set(0);
            try (ServerSource source = source()) {
                assertThatThrownBy(source::experiments)
                        .isInstanceOfSatisfying(
                                CliException.class,
                                error -> assertThat(error.exit()).isEqualTo(Exit.TIMEOUT))
                        .hasMessageContaining(address())
                        .hasMessageContaining("600 ms");
            }
            assertThat(asked).hasValue(1);
            assertThatThrownBy(() -> api().get("/api/x"))
                    .isInstanceOfSatisfying(
                            CliException.class,
                            error -> assertThat(error.exit()).isEqualTo(Exit.TIMEOUT))
                    .hasMessageContaining(address());
        }
    }

    @Test
    void refusalsWithoutEndAreLeftToo() throws IOException {
        status = 500;
        for (Body bad : List.<Body>of(ArrivingBodyTest::endless, ArrivingBodyTest::dripping)) {
            body = bad;
            try (ServerSource source = source()) {
                assertThatThrownBy(source::experiments)
                        .isInstanceOf(CliException.class)
                        .hasMessageContaining(address());
            }
            assertThatThrownBy(() -> api().download("/f", folder.resolve("f"), -1))
                    .isInstanceOf(CliException.class);
            assertThatThrownBy(() -> api().stream("/s")).isInstanceOf(CliException.class);
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aPageWithTooMuchIsAskedForInSmallerOnes() throws IOException {
        var pages = new ScriptedServer((method, target, body) -> {
            int size = Integer.parseInt(body.replaceAll(".*\"max_results\":(\\d+).*", "$1"));
            return "{\"experiments\":[{\"experiment_id\":\"7\",\"name\":\"" + "n".repeat(20_000 * size) + "\"}]}";
        });
        try (pages;
                var source = new ServerSource(
                        pages.address(),
                        null,
                        Optional.empty(),
                        LocalFiles.named(List.of()),
                        Duration.ofMillis(1),
                        BOUNDS)) {
            assertThat(source.experiments()).hasSize(1);
            assertThat(pages.received()).hasSize(3);
        }
    }

    @Test
    void aFileHasNoMoreThanItIsListedWith() throws IOException {
        try (ServerSource source = source()) {
            for (long listed : new long[] {0, 5_000_000}) {
                try (var content = source.open("1/r/model.bin", listed)) {
                    assertThatThrownBy(content::readAllBytes)
                            .isInstanceOf(ArrivingBody.TooLong.class)
                            .hasMessageContaining(listed + " bytes");
                }
            }
            try (var content = source.open("1/r/model.bin", -1)) {
                assertThatThrownBy(content::readAllBytes).hasMessageContaining((4 << 20) + " bytes");
            }
        }
        assertThatThrownBy(() -> api().download("/f", folder.resolve("f"), 5_000_000))
                .isInstanceOf(CliException.class)
                .hasMessageContaining(address() + "/f")
                .hasMessageContaining("5000000 bytes");
    }

    @Test
    void aFileMayTakeAnyTimeAsLongAsItComes() throws IOException {
        body = out -> {
            for (int i = 0; i < 12; i++) {
                out.write(new byte[2 << 10]);
                out.flush();
                Thread.sleep(100);
            }
        };
        api().download("/f", folder.resolve("f"), 12 * (2 << 10));
        assertThat(folder.resolve("f")).hasSize(12 * (2 << 10));
        for (Body slow : List.<Body>of(ArrivingBodyTest::dripping, ArrivingBodyTest::silent)) {
            body = slow;
            try (ServerSource source = source();
                    var content = source.open("1/r/model.bin", 1L << 40)) {
                assertThatThrownBy(content::readAllBytes)
                        .isInstanceOf(ArrivingBody.TooSlow.class)
                        .hasMessageContaining("300 ms");
            }
            assertThatThrownBy(() -> api().download("/f", folder.resolve("f"), 1L << 40))
                    .isInstanceOfSatisfying(
                            CliException.class,
                            error -> assertThat(error.exit()).isEqualTo(Exit.TIMEOUT));
        }
    }

    /** A log may be silent for as long as it likes; one line of it is not endless. */
    @Test
    void aLineOfAFollowedLogHasAnEnd() throws IOException {
        try (var lines = new BoundedLines(api().stream("/s"), 1 << 20)) {
            assertThatThrownBy(lines::next).hasMessageContaining("1048576 bytes");
        }
    }

    @Test
    void anImportLeavesAnEndlessFileOutAndTakesTheRest() throws IOException {
        try (var sink = ScriptedServer.taking();
                ServerSource source = source()) {
            var api = new Api(sink.address(), Optional.empty(), "default");
            var sent = new AtomicInteger();
            var transfer = new FileTransfer(api, sent::incrementAndGet);
            var endless = new ImportSource.ArtifactFile("model.bin", 9_000, () -> source.open("1/r/model.bin", 9_000));
            var omissions = new Omissions();
            assertThat(omissions.attempt("file 'model.bin'", () -> transfer.send(endless, "7/r/artifacts")))
                    .isFalse();
            assertThat(asked).as("it would have as many the next time").hasValue(1);
            assertThat(sent).hasValue(0);
            var told = Api.object();
            omissions.tell(told);
            assertThat(told.toString()).contains("more than 9000 bytes").doesNotContain("TooLong");
        }
    }

    @Test
    void whatEndsIsReadToItsEnd() throws IOException {
        body = out -> out.write("one\ntwo\r\n\nlast".getBytes(StandardCharsets.US_ASCII));
        try (var reader = new BufferedReader(new InputStreamReader(api().stream("/s"), StandardCharsets.UTF_8))) {
            assertThat(reader.lines()).containsExactly("one", "two", "", "last");
        }
    }
}
