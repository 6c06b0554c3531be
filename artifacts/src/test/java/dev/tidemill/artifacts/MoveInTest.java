package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;

/** A server that had its blobs on its disk, and is given a bucket. */
class MoveInTest {
    private static final int BLOBS = 20;

    @TempDir
    Path folder;

    @TempDir
    Path copies;

    private final List<Digest> digests = new ArrayList<>();
    private FolderBlobStore disk;
    private BucketBlobStore store;

    @BeforeEach
    void start() {
        disk = new FolderBlobStore(folder);
        for (int i = 0; i < BLOBS; i++) {
            digests.add(disk.put(content(i)).digest());
        }
        store = BucketStores.at(copies);
    }

    private static byte[] content(int i) {
        return ("kept on the disk " + i).getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void whatIsNotInTheBucketYetIsReadFromTheDiskAndStaysUntilItIs() throws Exception {
        try (var moving = new MoveIn(store, folder, Clock.systemUTC())) {
            assertThat(moving.left()).isEqualTo(BLOBS);
            Digest first = digests.getFirst();
            assertThat(store.find(first)).contains(new BlobStore.Blob(first, content(0).length));
            assertThat(store.absent(Set.copyOf(digests))).isEmpty();
            assertThat(store.read(first)).isEqualTo(content(0));
            assertThat(store.openOnce(digests.get(1)).readAllBytes()).isEqualTo(content(1));
            Path given = store.localFile(digests.get(2));
            assertThat(store.setAside(first, Instant.MAX))
                    .as("it is being moved")
                    .isFalse();
            assertThat(store.beginningWith(Integer.parseInt(first.value().substring(0, 2), 16)))
                    .contains(first);
            moving.loop().start();
            Await.until(
                    "all are in the bucket",
                    () -> moving.left() == 0 && disk.copies().isEmpty());
            assertThat(given).hasBinaryContent(content(2));
            var another = BucketStores.at(copies);
            for (int i = 0; i < BLOBS; i++) {
                assertThat(another.read(digests.get(i))).isEqualTo(content(i));
            }
        }
    }

    @Test
    void aDamagedOneStaysAndOneThatWasEndedGoesOn() throws Exception {
        Files.writeString(file(3), "damaged");
        // As after an end in the midst.
        store.put(content(4));
        try (var moving = new MoveIn(store, folder, Clock.systemUTC())) {
            moving.loop().start();
            Await.until("all others are in the bucket", () -> disk.copies().size() == 1 && moving.left() == 1);
            Await.until("it is told", () -> moving.failed() == 1);
            assertThat(store.absent(Set.of(digests.get(3))))
                    .as("whoever names it has to send it again")
                    .containsExactly(digests.get(3));
        }
        assertThat(disk.find(digests.get(3))).isPresent();
        assertThat(store.read(digests.get(4))).isEqualTo(content(4));
        assertThat(store.find(new Digest(Ids.sha256("damaged".getBytes(StandardCharsets.UTF_8)))))
                .as("what nobody names")
                .isEmpty();
    }

    /** A folder cannot be read as a file, and a file not as a folder, whoever runs this. */
    @Test
    void whatCannotBeReadKeepsNoOtherAndIsTriedAgain() throws Exception {
        Path unreadable = file(3);
        Path kept = Files.move(unreadable, folder.resolve("kept"));
        Files.createDirectories(unreadable.resolve("in the way"));
        Path notAFolder = file(5).getParent();
        Path moved = Files.move(notAFolder, folder.resolve("moved"));
        Files.createFile(notAFolder);
        try (var stream = Files.list(moved);
                var moving = new MoveIn(store, folder, Clock.systemUTC(), Duration.ofMillis(50))) {
            long hidden = stream.count();
            moving.loop().start();
            Await.until("all others are in the bucket", () -> moving.left() == 1);
            assertThat(moving.failed()).isEqualTo(2);
            assertThat(moving.loop().health().failures()).isZero();
            for (int i = 0; i < BLOBS; i++) {
                if (!file(i).startsWith(notAFolder) && i != 3) {
                    assertThat(BucketStores.at(copies).read(digests.get(i))).isEqualTo(content(i));
                }
            }
            assertThat(hidden).isPositive();

            Files.delete(unreadable.resolve("in the way"));
            Files.delete(unreadable);
            Files.move(kept, unreadable);
            Files.delete(notAFolder);
            Files.move(moved, notAFolder);
            Await.until("all are in the bucket", () -> moving.left() == 0 && moving.failed() == 0);
            for (int i = 0; i < BLOBS; i++) {
                assertThat(BucketStores.at(copies).read(digests.get(i))).isEqualTo(content(i));
            }
            Await.until("none is left", () -> disk.copies().isEmpty());
        }
    }

    @Test
    void aDamagedOneThatIsStoredAnewGoesFromTheDisk() throws Exception {
        Files.writeString(file(3), "damaged");
        try (var moving = new MoveIn(store, folder, Clock.systemUTC(), Duration.ofMillis(50))) {
            moving.loop().start();
            Await.until("it is told", () -> moving.failed() == 1 && moving.left() == 1);
            store.put(content(3));
            assertThat(store.read(digests.get(3))).isEqualTo(content(3));
            Await.until(
                    "it has gone",
                    () -> moving.failed() == 0
                            && moving.left() == 0
                            && disk.copies().isEmpty());
        }
        assertThat(BucketStores.at(copies).read(digests.get(3))).isEqualTo(content(3));
    }

    @Test
    void itEndsWithTheServer() throws Exception {
        var hold = new CountDownLatch(1);
        var sending = new AtomicInteger();
        ExecutionInterceptor slow = new ExecutionInterceptor() {
            @Override
            public void beforeExecution(Context.BeforeExecution context, ExecutionAttributes attributes) {
                if (context.request() instanceof PutObjectRequest put
                        && put.key().contains("/blobs/")) {
                    sending.incrementAndGet();
                    try {
                        hold.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
            }
        };
        var moving = new MoveIn(BucketStores.at(copies, Moto.client(slow)), folder, Clock.systemUTC());
        moving.loop().start();
        Await.until("some are being sent", () -> sending.get() == 4);
        Instant closing = Instant.now();
        moving.close();
        assertThat(Duration.between(closing, Instant.now())).isLessThan(Duration.ofSeconds(10));
        boolean ended = moving.loop().join(Duration.ofSeconds(1));
        hold.countDown();
        assertThat(ended).isTrue();
        assertThat(sending).hasValue(4);
        assertThat(disk.copies().size()).isBetween(BLOBS - 4, BLOBS);
        assertThat(moving.failed()).as("it was ended, and did not fail").isZero();
    }

    private Path file(int i) {
        return folder.resolve(FolderBlobStore.relativePath(digests.get(i)));
    }

    @Test
    void aDatabaseThatHasABucketIsNotServedFromAnEmptyFolder() {
        try (Database database = TestDatabase.sqlite(List.of("artifacts"))) {
            module(database, folder.resolve("new")).close();
            String place = BucketStores.place(copies);
            database.writing(handle -> handle.createUpdate(
                            "INSERT INTO blob_store (name, id, place) VALUES ('bucket', 'database', :place)")
                    .bind("place", place)
                    .execute());
            assertThatThrownBy(() -> module(database, folder.resolve("other")))
                    .isInstanceOfSatisfying(TidemillException.class, refusal -> {
                        assertThat(refusal.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION);
                        assertThat(refusal.message()).contains(place);
                        assertThat(refusal.remedy().orElseThrow()).contains("Set it to " + place);
                    });
            // Somebody has copied them.
            module(database, folder).close();
        }
    }

    private static ArtifactsModule module(Database database, Path folder) {
        return new ArtifactsModule(
                database,
                folder,
                1_000_000,
                List.of(ArtifactsModule.SCHEMA),
                "mlflow-artifacts:",
                Map.of(),
                new DeletionHold(),
                Clock.systemUTC());
    }
}
