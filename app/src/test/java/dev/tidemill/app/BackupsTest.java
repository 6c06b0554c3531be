package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.journal.SegmentedLog;
import dev.tidemill.platform.backup.BackupReader;
import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.TestDatabase;
import dev.tidemill.testkit.store.ForwardingDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackupsTest {
    private static final String URL = "/api/tidemill/v1/server/backup";

    @TempDir
    private Path folder;

    private final DeletionHold deletions = new DeletionHold();
    private final DeletionHold journalFiles = new DeletionHold();
    private Watched database;
    private Backups backups;

    /** Tells how many read, and lets a test do something just before a backup's moment. */
    private static final class Watched extends ForwardingDatabase {
        private final AtomicInteger readers = new AtomicInteger();
        private Runnable before = () -> {};

        Watched(Database database) {
            super(database);
        }

        @Override
        public <T> T reading(Function<org.jdbi.v3.core.Handle, T> work) {
            before.run();
            readers.incrementAndGet();
            try {
                return super.reading(work);
            } finally {
                readers.decrementAndGet();
            }
        }
    }

    @BeforeEach
    void open() throws IOException {
        database = new Watched(TestDatabase.sqlite(List.of("platform", "artifacts")));
        for (String name : List.of("artifacts", "journal", "logs")) {
            Files.createDirectories(folder.resolve("data").resolve(name));
        }
        backups = new Backups(
                database, folder.resolve("data"), Optional.empty(), deletions, journalFiles, "test", Clock.systemUTC());
    }

    @AfterEach
    void close() {
        database.close();
    }

    private SegmentedLog journal() {
        return new SegmentedLog(folder.resolve("data/journal"), 100 << 20, journalFiles);
    }

    private static Prediction prediction(String id) {
        return new Prediction(
                "default",
                "d",
                id,
                Instant.EPOCH,
                Instant.EPOCH,
                Map.of("age", 1.0),
                false,
                1,
                List.of(0.5),
                Optional.empty(),
                List.of(),
                Optional.empty());
    }

    private BackupReader written(Backups.Prepared prepared) throws IOException {
        Path file = folder.resolve("all.zip");
        try (OutputStream out = Files.newOutputStream(file)) {
            prepared.writeTo(out);
        }
        return BackupReader.open(file, Backups.LAYOUT);
    }

    @Test
    void predictionsThatAreInTheJournalAtItsMomentAreInABackupThoughTheyAreSettledBeforeTheyAreSent() throws Exception {
        try (var log = journal()) {
            log.append(List.of(prediction("old")));
        }
        // A file that is begun after the backup was, and still before its rows' moment.
        database.before = () -> {
            try (var log = journal()) {
                log.append(List.of(prediction("young")));
            }
        };
        List<String> found = new ArrayList<>();
        try (Backups.Prepared prepared = backups.prepare()) {
            // The sink has all of them by now.
            try (var settling = journal()) {
                settling.readable().forEach(settling::forget);
            }
            assertThat(folder.resolve("data/journal")).isEmptyDirectory();
            try (BackupReader reader = written(prepared)) {
                reader.extract(Files.createDirectory(folder.resolve("restored")));
            }
        }
        try (var restored = new SegmentedLog(folder.resolve("restored/journal"), 100 << 20)) {
            restored.readable()
                    .forEach(segment ->
                            restored.read(segment, batch -> batch.forEach(prediction -> found.add(prediction.id()))));
        }
        assertThat(found).contains("old", "young");
    }

    @Test
    void aSlowReceiverHoldsNoReaderAndNoDeletionAndASecondBackupIsRefusedMeanwhile() throws Exception {
        Path blob = folder.resolve("data/artifacts/ab/" + "0".repeat(62));
        Files.createDirectories(blob.getParent());
        Files.writeString(blob, "needed");
        var begun = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        Path file = folder.resolve("all.zip");
        CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> {
            try (Backups.Prepared prepared = backups.prepare();
                    OutputStream out = Files.newOutputStream(file)) {
                prepared.writeTo(new OutputStream() {
                    @Override
                    public void write(int one) throws IOException {
                        begun.countDown();
                        try {
                            goOn.await();
                        } catch (InterruptedException e) {
                            throw new IOException(e);
                        }
                        out.write(one);
                    }
                });
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
        assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(database.readers).hasValue(0);
        assertThatThrownBy(() -> backups.prepare().close())
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        error -> assertThat(error.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
        assertThat(journalFiles.unlessHeld(() -> {})).isTrue();
        assertThat(deletions.unlessHeld(() -> {
                    try {
                        Files.delete(blob);
                    } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                }))
                .isTrue();
        goOn.countDown();
        sending.get(30, TimeUnit.SECONDS);
        try (BackupReader reader = BackupReader.open(file, Backups.LAYOUT)) {
            assertThat(reader.openFile("artifacts/ab/" + "0".repeat(62)).readAllBytes())
                    .asString()
                    .isEqualTo("needed");
        }
        assertThat(folder.resolve("data/backup")).doesNotExist();
        backups.prepare().close();
    }

    @Test
    void nothingIsDeletedBetweenTheRowsMomentAndTheFilesSecondNames() {
        var deleted = new ArrayList<Boolean>();
        database.before = () -> deleted.add(deletions.unlessHeld(() -> {}));
        backups.prepare().close();
        assertThat(deleted).isNotEmpty().doesNotContain(true);
    }

    /** As after a process that was killed in a collection: file gone, rows still there. */
    @Test
    void aBlobThatWasLetGoOfIsNotMissed() throws Exception {
        String gone = "cd".repeat(32);
        database.writing(
                handle -> handle.createUpdate("INSERT INTO project_blob (project, digest) VALUES ('p', :digest)")
                        .bind("digest", gone)
                        .execute());
        database.writing(handle -> handle.createUpdate(
                        "INSERT INTO blob_candidate (digest, released_at, folder) VALUES (:digest, 0, :folder)")
                .bind("digest", gone)
                .bind("folder", false)
                .execute());
        try (Backups.Prepared prepared = backups.prepare();
                BackupReader reader = written(prepared)) {
            assertThat(reader.manifest().path("missingBlobs")).isEmpty();
        }
    }

    @Test
    void aDirectoryWhoseRestoreDidNotEndIsOpenedByNobody() throws Exception {
        Files.createDirectories(folder.resolve("data/artifacts/ab"));
        Files.writeString(folder.resolve("data/artifacts/ab/" + "0".repeat(62)), "content");
        try (Backups.Prepared prepared = backups.prepare();
                BackupReader reader = written(prepared)) {
            assertThat(reader.manifest()).isNotNull();
        }
        Path target = folder.resolve("killed");
        DataDirectory.openForRestore(target).close();
        assertThatThrownBy(() -> DataDirectory.open(target))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("its restore did not end");
        Path whole = folder.resolve("whole");
        RestoreCommand.restore(
                folder.resolve("all.zip"),
                whole,
                new dev.tidemill.platform.sql.DatabaseAddress.Sqlite(),
                Optional.empty());
        DataDirectory.open(whole).close();
    }

    @Test
    void blobsThatAreElsewhereAreInABackupAndStayUntilTheyAreSent() throws Exception {
        var elsewhere = new FolderBlobStore(folder.resolve("bucket"));
        Digest digest = elsewhere
                .put("kept elsewhere".getBytes(java.nio.charset.StandardCharsets.UTF_8))
                .digest();
        database.writing(
                handle -> handle.createUpdate("INSERT INTO project_blob (project, digest) VALUES ('p', :digest)")
                        .bind("digest", digest)
                        .execute());
        var ofBoth = new Backups(
                database,
                folder.resolve("data"),
                Optional.of(elsewhere),
                deletions,
                journalFiles,
                "test",
                Clock.systemUTC());
        try (Backups.Prepared prepared = ofBoth.prepare()) {
            assertThat(deletions.unlessHeld(() -> {})).isFalse();
            try (BackupReader reader = written(prepared)) {
                assertThat(reader.hasFile(NamedBlobs.path(digest))).isTrue();
                assertThat(reader.manifest().path("missingBlobs")).isEmpty();
            }
            assertThat(deletions.unlessHeld(() -> {})).isTrue();
        }
    }

    /** It stayed on the disk when the others were brought elsewhere. */
    @Test
    void aDamagedBlobOnTheDiskBesideTheOneThatIsElsewhereEndsNoBackup() throws Exception {
        var elsewhere = new FolderBlobStore(folder.resolve("bucket"));
        Digest digest = elsewhere
                .put("kept elsewhere".getBytes(java.nio.charset.StandardCharsets.UTF_8))
                .digest();
        Path damaged = folder.resolve("data").resolve(NamedBlobs.path(digest));
        Files.createDirectories(damaged.getParent());
        Files.writeString(damaged, "damaged");
        var ofBoth = new Backups(
                database,
                folder.resolve("data"),
                Optional.of(elsewhere),
                deletions,
                journalFiles,
                "test",
                Clock.systemUTC());
        try (Backups.Prepared prepared = ofBoth.prepare();
                BackupReader reader = written(prepared)) {
            assertThat(reader.openFile(NamedBlobs.path(digest)).readAllBytes())
                    .asString()
                    .isEqualTo("kept elsewhere");
        }
    }

    @Test
    void blobsThatRowsNameAndNobodyHasAreTold() throws Exception {
        String there = "ab".repeat(32);
        String gone = "cd".repeat(32);
        Path blob = folder.resolve("data/artifacts/ab/" + there.substring(2));
        Files.createDirectories(blob.getParent());
        Files.writeString(blob, "content");
        for (String digest : List.of(there, gone)) {
            database.writing(
                    handle -> handle.createUpdate("INSERT INTO project_blob (project, digest) VALUES ('p', :digest)")
                            .bind("digest", digest)
                            .execute());
        }
        try (Backups.Prepared prepared = backups.prepare();
                BackupReader reader = written(prepared)) {
            assertThat(reader.manifest().path("missingBlobs"))
                    .singleElement()
                    .satisfies(digest -> assertThat(digest.asText()).isEqualTo(gone));
        }
        assertThat(RestoreCommand.restore(
                        folder.resolve("all.zip"),
                        folder.resolve("restored"),
                        new dev.tidemill.platform.sql.DatabaseAddress.Sqlite(),
                        Optional.empty()))
                .containsExactly(gone);
        assertThat(folder.resolve("restored/artifacts/ab/" + there.substring(2)))
                .hasContent("content");
    }

    @Test
    void oneBackupAtATimeIsSentAndAskingForItsHeadersMakesNone() throws Exception {
        Path data = folder.resolve("server");
        // More than sockets keep.
        byte[] noise = new byte[32 << 20];
        new Random(1).nextBytes(noise);
        Files.createDirectories(data.resolve("logs/run"));
        Files.write(data.resolve("logs/run/step.log"), noise);
        try (var server = TestServer.start(data, Map.of());
                var http = HttpClient.newHttpClient()) {
            HttpResponse<String> headers = server.call("HEAD", URL, Optional.empty(), "");
            assertThat(headers.statusCode()).isEqualTo(200);
            assertThat(headers.headers().firstValue("Content-Type")).hasValue("application/zip");
            assertThat(data.resolve("backup")).doesNotExist();
            var ask = HttpRequest.newBuilder(URI.create(server.base() + URL)).build();
            try (InputStream first =
                    http.send(ask, HttpResponse.BodyHandlers.ofInputStream()).body()) {
                assertThat(data.resolve("backup")).exists();
                HttpResponse<String> second = server.get(URL);
                assertThat(second.statusCode()).isEqualTo(409);
                assertThat(second.body()).contains("FAILED_PRECONDITION", "under way");
                assertThat(server.call("HEAD", URL, Optional.empty(), "").statusCode())
                        .isEqualTo(200);
                assertThat(first.readAllBytes()).hasSizeGreaterThan(noise.length);
            }
            dev.tidemill.testkit.Await.until("it has ended", () -> !Files.exists(data.resolve("backup")));
            assertThat(http.send(ask, HttpResponse.BodyHandlers.ofByteArray()).statusCode())
                    .isEqualTo(200);
        }
    }
}
