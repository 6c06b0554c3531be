package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.MultipartUploads;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.artifacts.domain.UploadStore.Part;
import dev.tidemill.artifacts.domain.UploadStore.Upload;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.store.SqlFileStore;
import dev.tidemill.artifacts.store.SqlProjectBlobs;
import dev.tidemill.artifacts.store.SqlUploadStore;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.MovableClock;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
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
    private SignedLinks links;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        var blobs = new FolderBlobStore(folder);
        tree = new ArtifactTree(new SqlFileStore(database), blobs, new SqlProjectBlobs(database), clock);
        var store = new SqlUploadStore(database);
        uploads = new MultipartUploads(store, tree, blobs, clock);
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
        uploads.complete("a", upload.id(), Map.of(), LIMIT);
        var blob = tree.find("a", "1/r/artifacts/big.bin").orElseThrow();
        try (var content = tree.open(blob)) {
            assertThat(new String(content.readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("hello world");
        }
        assertThat(first.blob().size()).isEqualTo(6);
        assertThatThrownBy(() -> uploads.find("a", upload.id())).isInstanceOf(TidemillException.class);
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
}
