package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderBlobStoreTest extends BlobStoreContract {
    @TempDir
    Path root;

    private BlobStore store;

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
    void digestsThatAreNoDigestsAreRefused() {
        for (String bad :
                new String[] {"../../etc/passwd", "", "A".repeat(64), "0".repeat(63), "0".repeat(64) + "/.."}) {
            assertThatThrownBy(() -> new Digest(bad)).isInstanceOf(TidemillException.class);
        }
    }
}
