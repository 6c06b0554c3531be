package dev.tidemill.artifacts;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderBlobStoreTest extends BlobStoreContract {
    @TempDir
    Path root;

    private FolderBlobStore store;

    @BeforeEach
    void start() {
        store = new FolderBlobStore(root);
    }

    @Override
    BlobStore store() {
        return store;
    }

    @Override
    long kept() throws IOException {
        try (var files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).count();
        }
    }

    @Test
    void whatACrashLeftHalfWrittenIsGoneAtTheNextStart() throws Exception {
        Files.writeString(root.resolve("incoming/half"), "ha");
        new FolderBlobStore(root);
        assertThat(kept()).isZero();
    }

    @Test
    void whatNobodyHasWantedForLongIsRemoved() throws Exception {
        Digest old = store.put("old".getBytes(UTF_8)).digest();
        Digest wanted = store.put("wanted".getBytes(UTF_8)).digest();
        Instant before = Instant.now().plusSeconds(60);
        for (Digest digest : List.of(old, wanted)) {
            Files.setLastModifiedTime(store.localFile(digest), FileTime.from(before.minusSeconds(3600)));
        }
        Files.setLastModifiedTime(store.localFile(wanted), FileTime.from(before.plusSeconds(1)));

        assertThat(store.removeUnused(before)).isEqualTo(1);
        assertThat(store.find(old)).isEmpty();
        assertThat(store.find(wanted)).isPresent();
    }

    @Test
    void aBlobThatIsTouchedIsWanted() throws Exception {
        Digest digest = store.put("old".getBytes(UTF_8)).digest();
        Instant before = Instant.now().minusSeconds(60);
        Files.setLastModifiedTime(store.localFile(digest), FileTime.from(before.minusSeconds(1)));

        store.touch(digest);

        assertThat(store.removeUnused(before)).isZero();
        assertThat(store.find(digest)).isPresent();
    }

    @Test
    void digestsThatAreNoDigestsAreRefused() {
        for (String bad :
                new String[] {"../../etc/passwd", "", "A".repeat(64), "0".repeat(63), "0".repeat(64) + "/.."}) {
            assertThatThrownBy(() -> new Digest(bad)).isInstanceOf(TidemillException.class);
        }
    }
}
