package dev.tidemill.inference.controlplane;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.ServingPlan;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class ControlPlaneBlobsTest {
    @TempDir
    private Path directory;

    /** What the control plane answers for a digest, right or not. */
    private final Map<String, byte[]> there = new ConcurrentHashMap<>();

    private final AtomicInteger fetched = new AtomicInteger();
    private FolderBlobStore elsewhere;
    private FolderBlobStore cache;
    private HttpServer server;
    private ControlPlane control;
    private ControlPlaneBlobs blobs;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            fetched.incrementAndGet();
            String path = exchange.getRequestURI().getPath();
            byte[] content = there.get(path.substring(path.lastIndexOf('/') + 1));
            exchange.sendResponseHeaders(content == null ? 404 : 200, content == null ? -1 : content.length);
            if (content != null) {
                exchange.getResponseBody().write(content);
            }
            exchange.close();
        });
        server.start();
        control = new ControlPlane("http://127.0.0.1:" + server.getAddress().getPort(), Optional.empty());
        elsewhere = new FolderBlobStore(directory.resolve("control"));
        cache = new FolderBlobStore(directory.resolve("cache"));
        blobs = new ControlPlaneBlobs(control, cache);
    }

    /** As when the way there breaks in the middle of a model, or somebody between sends without end. */
    @Test
    @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void anAnswerThatDoesNotComeToItsEndIsLeft() throws IOException {
        HttpServer odd = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        odd.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            try (exchange) {
                exchange.getResponseBody().write(new byte[100]);
                exchange.getResponseBody().flush();
                boolean drips = exchange.getRequestURI().getPath().endsWith("/plans");
                while (drips) {
                    exchange.getResponseBody().write(' ');
                    exchange.getResponseBody().flush();
                    Thread.sleep(20);
                }
                Thread.sleep(Duration.ofMinutes(2));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        odd.setExecutor(threads);
        odd.start();
        try (var impatient = new ControlPlane(
                "http://127.0.0.1:" + odd.getAddress().getPort(), Optional.empty(), Duration.ofMillis(300))) {
            var silent = new ControlPlaneBlobs(impatient, cache);
            assertThatThrownBy(() -> silent.find(folder("x")))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE))
                    .hasMessageContaining("300 ms");
            assertThatThrownBy(() -> impatient.plans("", Duration.ZERO))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            error -> assertThat(error.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        } finally {
            odd.stop(0);
            threads.shutdownNow();
        }
    }

    @AfterEach
    void stop() {
        control.close();
        server.stop(0);
    }

    private Digest folder(String content) {
        Folder folder = Folder.store(elsewhere, Map.of("model.bin", content.getBytes(UTF_8)));
        there.put(folder.digest().value(), elsewhere.read(folder.digest()));
        folder.files().values().forEach(file -> there.put(file.digest().value(), elsewhere.read(file.digest())));
        return folder.digest();
    }

    private String read(Digest folder) {
        return new String(
                blobs.read(Folder.load(blobs, folder)
                        .file("model.bin")
                        .orElseThrow()
                        .digest()),
                UTF_8);
    }

    /** Nobody has wanted the copies of a folder for two days. */
    private void age(Digest folder) {
        var digests = new ArrayList<Digest>();
        digests.add(folder);
        Folder.load(cache, folder).files().values().forEach(file -> digests.add(file.digest()));
        for (Digest digest : digests) {
            try {
                Files.setLastModifiedTime(
                        cache.localFile(digest), FileTime.from(Instant.now().minus(Duration.ofDays(2))));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static ServingPlan plan(Digest champion, Optional<Digest> challenger) {
        return new ServingPlan(
                "p",
                "d",
                1,
                new ServedVersion("p", "m", 1, champion, false),
                challenger.map(folder -> new ServingPlan.Challenger(new ServedVersion("p", "m", 2, folder, false), 0)),
                false,
                InputPolicy.REFUSE);
    }

    @Test
    void aBlobIsFetchedOnce() {
        Digest folder = folder("weights");
        assertThat(read(folder)).isEqualTo("weights");
        assertThat(read(folder)).isEqualTo("weights");
        assertThat(fetched).hasValue(2);
    }

    @Test
    void whatThePlansNeedStaysAndTheRestIsFetchedAgainWhenItIsWanted() {
        Digest champion = folder("champion");
        Digest challenger = folder("challenger");
        Digest former = folder("former");
        List.of(champion, challenger, former).forEach(this::read);
        for (Digest folder : List.of(champion, challenger, former)) {
            age(folder);
        }

        assertThat(blobs.removeUnused(
                        List.of(plan(champion, Optional.of(challenger))),
                        Instant.now().minus(Duration.ofDays(1))))
                .isEqualTo(2);

        int before = fetched.get();
        assertThat(read(champion)).isEqualTo("champion");
        assertThat(read(challenger)).isEqualTo("challenger");
        assertThat(fetched).hasValue(before);
        assertThat(read(former)).isEqualTo("former");
        assertThat(fetched).hasValue(before + 2);
    }

    @Test
    void whatIsNotThereOrArrivesAsSomethingElseIsRefused() {
        Digest unknown = new Digest("0".repeat(64));
        assertThatThrownBy(() -> blobs.read(unknown)).isInstanceOf(TidemillException.class);

        there.put(unknown.value(), "something else".getBytes(UTF_8));
        assertThatThrownBy(() -> blobs.read(unknown))
                .isInstanceOfSatisfying(
                        TidemillException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CHECK_FAILED));
        assertThat(cache.find(unknown)).isEmpty();
    }
}
