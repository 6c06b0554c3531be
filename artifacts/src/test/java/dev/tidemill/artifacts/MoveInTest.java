package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        Files.writeString(folder.resolve(FolderBlobStore.relativePath(digests.get(3))), "damaged");
        // As after an end in the midst.
        store.put(content(4));
        try (var moving = new MoveIn(store, folder, Clock.systemUTC())) {
            moving.loop().start();
            Await.until("all others are in the bucket", () -> disk.copies().size() == 1 && moving.left() == 0);
        }
        assertThat(disk.find(digests.get(3))).isPresent();
        assertThat(store.read(digests.get(4))).isEqualTo(content(4));
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
