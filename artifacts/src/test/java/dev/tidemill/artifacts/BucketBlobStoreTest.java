package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobCache;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.MovableClock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** Against {@link Moto}. */
class BucketBlobStoreTest extends BlobStoreContract {
    @TempDir
    Path folder;

    @TempDir
    Path other;

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-25T08:00:00Z"));
    private S3Client client;
    private BucketBlobStore store;

    @BeforeEach
    void start() {
        client = Moto.client();
        store = BucketStores.at(folder);
    }

    @Override
    BlobStore store() {
        return store;
    }

    @Override
    long kept() throws IOException {
        return Math.max(objects("blobs/").size(), files(folder).size());
    }

    private List<String> objects(String beginning) {
        return client
                .listObjectsV2Paginator(
                        request -> request.bucket(Moto.BUCKET).prefix(BucketStores.prefix(folder) + "/" + beginning))
                .contents()
                .stream()
                .map(S3Object::key)
                .toList();
    }

    private static List<Path> files(Path below) throws IOException {
        try (var files = Files.walk(below)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    private String key(Digest digest) {
        return BucketStores.prefix(folder) + "/blobs/" + FolderBlobStore.relativePath(digest);
    }

    /** Another process's store in the same part of the bucket. */
    private BucketBlobStore another(S3Client through, long bound, Clock time) {
        return new BucketBlobStore(
                () -> through,
                BucketStores.place(folder),
                new BlobCache(new FolderBlobStore(other), bound, time),
                () -> "database",
                "two",
                time);
    }

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    @Test
    void whatOneStoresAllOthersHave() {
        var two = another(client, 1 << 20, clock);
        Digest digest = store.put(bytes("shared")).digest();
        assertThat(two.find(digest)).contains(new BlobStore.Blob(digest, 6));
        assertThat(two.read(digest)).isEqualTo(bytes("shared"));
        assertThat(two.localFile(digest)).hasContent("shared");
        assertThat(two.absent(Set.of(digest, new Digest("0".repeat(64))))).containsExactly(new Digest("0".repeat(64)));
    }

    @Test
    void aDiskThatIsLostLosesNothing() throws Exception {
        Digest digest = store.put(bytes("kept elsewhere")).digest();
        for (Path file : files(folder)) {
            Files.delete(file);
        }
        assertThat(store.read(digest)).isEqualTo(bytes("kept elsewhere"));
        assertThat(BucketStores.at(folder).read(digest)).isEqualTo(bytes("kept elsewhere"));
    }

    @Test
    void whatTheBucketHasIsNotSentAgain() {
        Digest digest = store.put(bytes("once")).digest();
        Instant first = modified(digest);
        Await.until("a second of the bucket's time", () -> Instant.now().isAfter(first.plusSeconds(2)));
        another(client, 1 << 20, clock).put(bytes("once"));
        assertThat(modified(digest)).isEqualTo(first);
    }

    private Instant modified(Digest digest) {
        return client.headObject(request -> request.bucket(Moto.BUCKET).key(key(digest)))
                .lastModified();
    }

    @Test
    void anObjectThatIsNotWhatItsDigestSaysIsRefusedAndNotKept() throws Exception {
        byte[] content = random(100_000);
        Digest digest = store.put(content).digest();
        for (byte[] damaged : List.of(random(99_999), bytes("cut"), random(100_001))) {
            client.putObject(request -> request.bucket(Moto.BUCKET).key(key(digest)), RequestBody.fromBytes(damaged));
            var two = another(client, 1 << 20, clock);
            for (Callable<Object> reading : List.<Callable<Object>>of(
                    () -> two.read(digest),
                    () -> two.localFile(digest),
                    () -> two.openOnce(digest).readAllBytes())) {
                assertThatThrownBy(reading::call)
                        .isInstanceOfSatisfying(
                                TidemillException.class,
                                refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.CHECK_FAILED));
            }
            assertThat(files(other)).isEmpty();
        }
        // Whoever has the content mends an object of another length.
        store.put(content);
        assertThat(another(client, 1 << 20, clock).read(digest)).isEqualTo(content);
    }

    @Test
    void anUploadThatIsCutLeavesNothing() throws Exception {
        try (var relay = new Relay(Moto.port())) {
            var two = another(Moto.client(relay.port(), Duration.ofSeconds(5)), 1 << 20, Clock.systemUTC());
            two.check();
            relay.cutAfter(20_000, Long.MAX_VALUE);
            assertThatThrownBy(() -> two.put(random(500_000)))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
            assertThat(objects("blobs/")).isEmpty();
            assertThat(files(other)).isEmpty();
        }
    }

    @Test
    void aDownloadThatIsCutIsRefusedAndNotKept() throws Exception {
        Digest digest = store.put(random(500_000)).digest();
        try (var relay = new Relay(Moto.port())) {
            var two = another(Moto.client(relay.port(), Duration.ofSeconds(5)), 1 << 20, Clock.systemUTC());
            two.check();
            relay.cutAfter(Long.MAX_VALUE, 100_000);
            assertThatThrownBy(() -> two.read(digest))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
            assertThat(files(other)).isEmpty();
            relay.cutAfter(Long.MAX_VALUE, Long.MAX_VALUE);
            Await.until("the bucket is tried again", () -> two.awaySince().isEmpty() || tried(two));
            assertThat(two.read(digest)).hasSize(500_000);
        }
    }

    private static boolean tried(BucketBlobStore store) {
        try {
            store.check();
            return true;
        } catch (TidemillException e) {
            return false;
        }
    }

    @Test
    void whileTheBucketIsAwayCopiesAreReadAndAllElseIsRefusedUntilItIsBack() throws Exception {
        Digest absent = store.put(bytes("not copied")).digest();
        try (var relay = new Relay(Moto.port())) {
            var two = another(Moto.client(relay.port(), Duration.ofSeconds(5)), 1 << 20, clock);
            Digest copied = two.put(bytes("copied")).digest();
            relay.away(true);
            for (Callable<Object> asking : List.<Callable<Object>>of(
                    () -> two.read(absent),
                    () -> two.find(absent),
                    () -> two.absent(Set.of(copied)),
                    () -> two.put(bytes("new")),
                    () -> two.setAside(copied, Instant.MAX),
                    () -> two.beginningWith(0))) {
                assertThatThrownBy(asking::call).isInstanceOfSatisfying(TidemillException.class, refusal -> {
                    assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE);
                    assertThat(refusal.retryAfter()).isGreaterThan(Duration.ofSeconds(1));
                });
            }
            assertThat(two.awaySince()).contains(clock.instant());
            assertThat(two.read(copied)).isEqualTo(bytes("copied"));
            assertThat(two.find(copied)).isPresent();
            relay.away(false);
            assertThatThrownBy(() -> two.read(absent))
                    .as("nobody tries again yet")
                    .hasMessageContaining("did not answer");
            clock.advance(Duration.ofSeconds(3));
            assertThat(two.read(absent)).isEqualTo(bytes("not copied"));
            assertThat(two.awaySince()).isEmpty();
        }
    }

    /** Whose connections are taken, and which never answers: nobody waits for it longer than a while, and then none does for a time. */
    @Test
    void aBucketThatHangsEndsEachCallAndKeepsNobodyFromCopies() throws Exception {
        Digest absent = store.put(bytes("not copied here")).digest();
        try (var relay = new Relay(Moto.port())) {
            var two = another(Moto.client(relay.port(), Duration.ofSeconds(3)), 1 << 20, Clock.systemUTC());
            Digest copied = two.put(bytes("copied here")).digest();
            relay.hang(true);
            Instant begun = Instant.now();
            assertThatThrownBy(() -> two.put(bytes("nobody takes it")))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.UNAVAILABLE));
            assertThat(Duration.between(begun, Instant.now())).isLessThan(Duration.ofSeconds(25));
            assertThat(two.read(copied)).isEqualTo(bytes("copied here"));
            Instant again = Instant.now();
            for (int i = 0; i < 20; i++) {
                assertThat(two.awaySince()).isPresent();
            }
            assertThat(Duration.between(again, Instant.now())).isLessThan(Duration.ofSeconds(3));
            relay.hang(false);
            Await.until("it answers again", () -> tried(two));
            assertThat(two.read(absent)).isEqualTo(bytes("not copied here"));
        }
    }

    @Test
    void theOldestCopiesMakeRoomButNoneThatIsInUse() throws Exception {
        var two = another(client, 250_000, clock);
        Digest read = two.put(random(100_000)).digest();
        InputStream reading = two.open(read);
        Digest file = two.put(random(100_001)).digest();
        Path given = two.localFile(file);
        Digest third = two.put(random(100_002)).digest();
        Digest fourth = two.put(random(100_003)).digest();
        assertThat(two.cachedBytes()).isEqualTo(200_001);
        assertThat(reading.readAllBytes()).isEqualTo(random(100_000));
        reading.close();
        assertThat(given).exists();
        clock.advance(Duration.ofMinutes(61));
        assertThat(two.read(fourth)).hasSize(100_003);
        assertThat(two.read(third)).hasSize(100_002);
        assertThat(given).doesNotExist();
        assertThat(two.cachedBytes()).isEqualTo(200_005);
        assertThat(files(other)).hasSize(2);
        // What is there is known after a restart.
        assertThat(another(client, 150_000, clock).cachedBytes()).isLessThanOrEqualTo(150_000);
    }

    @Test
    void whoIsKilledBetweenSendingAndCopyingHasSentIt() throws Exception {
        byte[] content = bytes("sent and not copied");
        Digest digest = new FolderBlobStore(other).put(content).digest();
        client.putObject(request -> request.bucket(Moto.BUCKET).key(key(digest)), RequestBody.fromBytes(content));
        Files.writeString(folder.resolve("incoming").resolve("staged"), "sent and not copied");
        var restarted = BucketStores.at(folder);
        assertThat(files(folder)).isEmpty();
        assertThat(restarted.put(content).digest()).isEqualTo(digest);
        assertThat(restarted.read(digest)).isEqualTo(content);
    }

    @Test
    void eightWhoStoreTheSameStoreItOnce() throws Exception {
        byte[] content = random(300_000);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var stored = new ArrayList<Future<BlobStore.Blob>>();
            var two = another(client, 1 << 20, clock);
            for (int i = 0; i < 8; i++) {
                BlobStore through = i % 2 == 0 ? store : two;
                stored.add(threads.submit(() -> through.put(new ByteArrayInputStream(content), 300_000)));
            }
            for (Future<BlobStore.Blob> one : stored) {
                assertThat(one.get().size()).isEqualTo(300_000);
            }
        }
        assertThat(objects("blobs/")).hasSize(1);
        assertThat(files(folder)).hasSize(1);
    }

    @Test
    void aBucketOfAnotherDatabaseIsRefused() {
        Digest digest = store.put(bytes("theirs")).digest();
        var stranger = new BucketBlobStore(
                () -> client,
                BucketStores.place(folder),
                new BlobCache(new FolderBlobStore(other), 1 << 20, clock),
                () -> "another database",
                "three",
                clock);
        for (Callable<Object> use : List.<Callable<Object>>of(
                () -> stranger.put(bytes("ours")), () -> stranger.setAside(digest, Instant.MAX), () -> {
                    stranger.check();
                    return true;
                })) {
            assertThatThrownBy(use::call).hasMessageContaining("another database");
        }
        assertThat(objects("blobs/")).hasSize(1);
    }
}
