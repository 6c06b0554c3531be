package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import java.nio.file.Path;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Anybody can upload a manifest of any length: reading it is paid for by the request that asks for it. */
class FolderMemoryTest {
    private static final int FILES = 20_000;

    @TempDir
    private Path root;

    @Test
    void aManifestCountsToItsRequest() throws Exception {
        var blobs = new FolderBlobStore(root);
        var files = new TreeMap<String, BlobStore.Blob>();
        var digest = new Digest("0".repeat(64));
        for (int file = 0; file < FILES; file++) {
            files.put("file-" + file, new BlobStore.Blob(digest, 1));
        }
        Digest stored = blobs.put(new Folder(files).manifest().getBytes(java.nio.charset.StandardCharsets.UTF_8))
                .digest();
        try (var request = new BytesInFlight(4 << 20).open("ada")) {
            assertThatThrownBy(() -> RequestMemory.of(request, () -> Folder.load(blobs, stored)))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.TOO_LARGE));
        }
        try (var request = new BytesInFlight(64 << 20).open("ada")) {
            assertThat(RequestMemory.of(request, () -> Folder.load(blobs, stored))
                            .files())
                    .hasSize(FILES);
            assertThat(request.held()).isPositive();
        }
    }
}
