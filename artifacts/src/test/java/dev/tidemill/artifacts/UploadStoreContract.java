package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobCollector;
import dev.tidemill.artifacts.domain.BlobReferences;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.artifacts.domain.MultipartUploads;
import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.artifacts.domain.UploadStore.Part;
import dev.tidemill.artifacts.domain.UploadStore.Upload;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.store.SqlBlobReferences;
import dev.tidemill.artifacts.store.SqlFileStore;
import dev.tidemill.artifacts.store.SqlProjectBlobs;
import dev.tidemill.artifacts.store.SqlUploadStore;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.testkit.Contention;
import dev.tidemill.testkit.MovableClock;
import dev.tidemill.testkit.store.ForwardingDatabase;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What unfinished uploads and signed links promise, on every database. */
abstract class UploadStoreContract {
    private static final long LIMIT = 1_000_000;

    @TempDir
    Path folder;

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-25T08:00:00Z"));
    private Database database;
    private ArtifactTree tree;
    private MultipartUploads uploads;
    private LocatedFiles located;
    private Runnable beforeWrite = () -> {};
    private SignedLinks links;
    private final DeletionHold deletions = new DeletionHold();
    private BlobReferences references;
    private BlobCollector collector;

    abstract Database open();

    /** The store of blobs, as whoever opens it after another finds it; its copies of blobs, or itself, are in the folder. */
    PrimaryBlobs blobs() {
        return new FolderBlobStore(folder);
    }

    @BeforeEach
    void start() {
        database = open();
        var blobs = blobs();
        references = new SqlBlobReferences(database, ArtifactsModule.SCHEMA.digests());
        tree = new ArtifactTree(
                new SqlFileStore(database), blobs, new SqlProjectBlobs(database), references, database, clock);
        collector = new BlobCollector(references, blobs, blobs, database, deletions, clock);
        var store = new SqlUploadStore(database);
        Transactions interrupted = new ForwardingDatabase(database) {
            @Override
            public <T> T write(Supplier<T> work) {
                Runnable meanwhile = beforeWrite;
                beforeWrite = () -> {};
                meanwhile.run();
                return super.write(work);
            }
        };
        uploads = new MultipartUploads(store, tree, blobs, references, interrupted, clock);
        located = new LocatedFiles(tree, uploads, blobs, "mlflow-artifacts:", Optional.empty());
        links = new SignedLinks(store, clock);
    }

    @AfterEach
    void stop() {
        if (database != null) {
            database.close();
        }
    }

    private Part put(Upload upload, int number, String content) throws Exception {
        return uploads.put(
                upload.id(), number, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)), LIMIT);
    }

    private String write(String path, String content) throws Exception {
        return tree.put("a", path, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)), LIMIT)
                .digest()
                .value();
    }

    @Test
    void aFileNeverTakesThePlaceOfAFolderNorAFolderThatOfAFile() throws Exception {
        write("1/r/c/d.txt", "x");
        for (String path : List.of("1/r/c", "1/r", "1/r/c/d.txt/e.txt")) {
            assertThatThrownBy(() -> write(path, "y")).hasMessageContaining("cannot be a file while there is the file");
        }
        write("1/r/c/d.txt", "z");
        write("1/r/c.txt", "beside");
        assertThat(tree.list("a", "1/r")).hasSize(2);
    }

    @Test
    void aNameIsFoundBothAsItIsWrittenAndDecoded() throws Exception {
        String image = write("1/r/images/dogs%step%20%timestamp%1795.png", "x");
        String other = write("1/r/images/dogs%step %timestamp%1795.png", "y");
        write("1/r/images/my%20dog.png", "z");
        assertThat(tree.find("a", "1/r/images/dogs%step%20%timestamp%1795.png")
                        .orElseThrow()
                        .digest()
                        .value())
                .isEqualTo(image);
        assertThat(tree.find("a", "1/r/images/dogs%step %timestamp%1795.png")
                        .orElseThrow()
                        .digest()
                        .value())
                .isEqualTo(other);
        assertThat(tree.find("a", "1/r/images/my dog.png")).isPresent();
        write("1/r/images/cats%step%20%timestamp%1795.png", "c");
        assertThat(tree.find("a", "1/r/images/cats%step %timestamp%1795.png")).isPresent();
        assertThat(tree.find("a", "1/r/images/your dog.png")).isEmpty();
        write("1/r/a:b.txt", "x");
        assertThat(ArtifactLocations.requireInside("path", "a:b.txt")).isEqualTo("a:b.txt");
        for (String path : List.of("file:x", "http://h/x", "c:/x", "50%/%2e%2e/x", "..%2fx")) {
            assertThatThrownBy(() -> ArtifactLocations.requireInside("path", path))
                    .hasMessageContaining("Invalid path");
        }
    }

    @Test
    void partsInAnyOrderAndAgainBecomeTheFile() throws Exception {
        Upload upload = uploads.begin("a", "1/r/artifacts/big.bin");
        put(upload, 2, "world");
        put(upload, 1, "wrong");
        Part first = put(upload, 1, "hello ");
        assertThat(uploads.parts(uploads.find("a", upload.id()))).hasSize(2);
        assertThatThrownBy(() -> uploads.complete("a", upload.id(), Map.of(1, "0".repeat(64)), LIMIT))
                .hasMessageContaining("Part 1");
        assertThatThrownBy(() -> uploads.find("b", upload.id())).isInstanceOf(TidemillException.class);
        put(upload, 4, "!");
        assertThatThrownBy(() -> uploads.complete("a", upload.id(), Map.of(), LIMIT))
                .as("nobody names the parts, and one is not there")
                .hasMessageContaining("Part 3 has not arrived");
        put(upload, 3, "");
        uploads.complete("a", upload.id(), Map.of(), LIMIT);
        var blob = tree.find("a", "1/r/artifacts/big.bin").orElseThrow();
        try (var content = tree.open(blob)) {
            assertThat(new String(content.readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("hello world!");
        }
        assertThat(first.blob().size()).isEqualTo(6);
        assertThatThrownBy(() -> uploads.find("a", upload.id())).isInstanceOf(TidemillException.class);
    }

    @Test
    void aPartThatCameWhenItsUploadHadEndedIsRefusedAndLeavesNothing() throws Exception {
        Upload upload = uploads.begin("a", "x.bin");
        InputStream slow = new ByteArrayInputStream(bytes("late")) {
            @Override
            public synchronized int read(byte[] into, int from, int length) {
                int read = super.read(into, from, length);
                if (read < 0) {
                    uploads.abort("a", upload.id());
                }
                return read;
            }
        };
        assertThatThrownBy(() -> uploads.put(upload.id(), 1, slow, LIMIT)).hasMessageContaining("upload");
        assertThat(uploads.parts(upload)).isEmpty();
    }

    @Test
    void whereAFolderIsRemovedForGoodUploadsToItEnd() throws Exception {
        Upload inside = uploads.begin("a", "1/r/artifacts/model/big.bin");
        Upload itself = uploads.begin("a", "1/r");
        Upload beside = uploads.begin("a", "1/r2/x");
        Upload other = uploads.begin("b", "1/r/x");
        for (Upload upload : List.of(inside, itself, beside, other)) {
            put(upload, 1, "x");
        }
        located.deleteOwn("a", ArtifactLocations.OWN + "1/r");
        assertThatThrownBy(() -> uploads.complete("a", inside.id(), Map.of(), LIMIT))
                .hasMessageContaining("upload");
        assertThatThrownBy(() -> uploads.find("a", itself.id())).hasMessageContaining("upload");
        uploads.complete("a", beside.id(), Map.of(), LIMIT);
        uploads.complete("b", other.id(), Map.of(), LIMIT);
        assertThat(tree.list("a", "1")).extracting(FileStore.Entry::name).containsExactly("r2");
    }

    @Test
    void anUploadThatEndsWhileItsPartsArePutTogetherBecomesNoFile() throws Exception {
        Upload upload = uploads.begin("a", "1/r/x.bin");
        put(upload, 1, "x");
        put(upload, 2, "y");
        beforeWrite = () -> located.deleteOwn("a", ArtifactLocations.OWN + "1/r");
        assertThatThrownBy(() -> uploads.complete("a", upload.id(), Map.of(), LIMIT))
                .hasMessageContaining("upload");
        assertThat(tree.find("a", "1/r/x.bin")).isEmpty();
    }

    @Test
    void anAbortedUploadLeavesNothing() throws Exception {
        Upload upload = uploads.begin("a", "x.bin");
        put(upload, 1, "x");
        uploads.abort("a", upload.id());
        assertThat(tree.find("a", "x.bin")).isEmpty();
        assertThatThrownBy(() -> put(upload, 2, "y")).isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> uploads.begin("a", "../x")).hasMessageContaining("Invalid path");
        assertThatThrownBy(() -> uploads.begin("a", "folders/0/x")).hasMessageContaining("Invalid path");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void aManifestThatAnybodyHasWrittenOpensNoFileOfAnotherProject() throws Exception {
        var blobs = blobs();
        BlobStore.Blob secret = blobs.put(bytes("secret"));
        tree.take("other", secret.digest());
        BlobStore.Blob own = blobs.put(bytes("own"));
        tree.take("a", own.digest());
        Digest crafted = blobs.put(bytes(own.digest() + " 3 own.txt\n" + secret.digest() + " 6 secret.txt\n"))
                .digest();
        tree.take("a", crafted);
        String named = ArtifactTree.FOLDERS + "/" + crafted;

        assertThat(tree.find("a", named + "/own.txt")).isPresent();
        assertThat(tree.find("a", named + "/secret.txt")).isEmpty();
        assertThatThrownBy(() -> tree.freeze("a", named)).hasMessageContaining("artifact");
        assertThatThrownBy(() -> tree.claim(tree.look("a", Set.of(secret.digest()))))
                .hasMessageContaining("blob");
    }

    @Test
    void whatIsNoManifestOrOneInAnotherOrderIsNoFolder() {
        var blobs = blobs();
        String digest = "0".repeat(64);
        for (String text : List.of(
                "text",
                digest + " x file\n",
                digest + " 1\n",
                digest + " 1 b\n" + digest + " 1 a\n",
                digest + " 99999999999999999999 a\n",
                digest + " 1 a\n" + digest + " 2 a\n",
                digest + " 1 a")) {
            Digest stored = blobs.put(bytes(text)).digest();
            assertThatThrownBy(() -> Folder.load(blobs, stored)).as(text).hasMessageContaining("folder");
        }
    }

    @Test
    void anyNameOfAFileIsReadBack() {
        var blobs = blobs();
        Folder stored = Folder.store(
                blobs,
                Map.of(
                        "a b",
                        bytes("1"),
                        "\u0085",
                        bytes("2"),
                        "\u2028x",
                        bytes("3"),
                        "\u2029",
                        bytes("4"),
                        "\ud83d\ude00",
                        bytes("5")));
        assertThat(Folder.load(blobs, stored.digest())).isEqualTo(stored);
    }

    @Test
    void partsOfAbandonedUploadsGo() throws Exception {
        Upload upload = uploads.begin("a", "big.bin");
        put(upload, 1, "part");
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(8));
        assertThat(uploads.abandon(clock.instant().minus(Duration.ofDays(7)))).isEqualTo(1);
        clock.advance(Duration.ofDays(2));
        assertThat(collector.collect(Duration.ofDays(1), false).bytes()).isEqualTo(4);
    }

    @Test
    void aLinkHoldsForWhatItWasSignedForUntilItExpires() {
        var link = links.sign("GET", "a", "x y/z.bin", Duration.ofMinutes(5));
        links.verify(link);
        assertThat(link.location()).endsWith("/x%20y/z.bin");
        for (var forged : new SignedLinks.Link[] {
            new SignedLinks.Link("PUT", link.project(), link.path(), link.expires(), link.signature()),
            new SignedLinks.Link("GET", "b", link.path(), link.expires(), link.signature()),
            new SignedLinks.Link("GET", "a", "x y/other.bin", link.expires(), link.signature()),
            new SignedLinks.Link("GET", "a", link.path(), link.expires() + 1000, link.signature())
        }) {
            assertThatThrownBy(() -> links.verify(forged)).hasMessageContaining("signature");
        }
        clock.advance(Duration.ofMinutes(6));
        assertThatThrownBy(() -> links.verify(link)).hasMessageContaining("expired");
        assertThatThrownBy(() -> links.sign("GET", "a", "x", Duration.ofDays(30)))
                .hasMessageContaining("7 days");
    }

    @Test
    void partsAndSecretsFromAllSidesAreKept() throws Exception {
        Upload upload = uploads.begin("a", "1/r/artifacts/many.bin");
        var store = new SqlUploadStore(database);
        Contention.of(3, (thread, turn) -> put(upload, turn * Contention.THREADS + thread + 1, thread + "," + turn))
                .allAnswered();
        assertThat(uploads.parts(upload)).hasSize(3 * Contention.THREADS);
        var secrets = Contention.of(3, (thread, turn) -> turn + store.secret("key" + turn))
                .allAnswered();
        assertThat(secrets.stream().distinct()).hasSize(3);
    }
}
