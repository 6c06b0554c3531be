package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.platform.errors.TidemillException;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderBlobStoreTest {
    @TempDir
    Path root;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void equalBytesAreKeptOnce() throws Exception {
        var store = new FolderBlobStore(root);
        var first = store.put(bytes("hello"));
        assertThat(store.put(new ByteArrayInputStream(bytes("hello")), 100)).isEqualTo(first);
        assertThat(store.read(first.digest())).isEqualTo(bytes("hello"));
        try (var files = Files.walk(root)) {
            assertThat(files.filter(Files::isRegularFile)).hasSize(1);
        }
    }

    @Test
    void whatIsTooLargeLeavesNothing() throws Exception {
        var store = new FolderBlobStore(root);
        assertThatThrownBy(() -> store.put(new ByteArrayInputStream(new byte[101]), 100))
                .isInstanceOf(TidemillException.class);
        try (var files = Files.walk(root)) {
            assertThat(files.filter(Files::isRegularFile)).isEmpty();
        }
    }

    @Test
    void digestsThatAreNoDigestsAreRefused() {
        for (String bad :
                new String[] {"../../etc/passwd", "", "A".repeat(64), "0".repeat(63), "0".repeat(64) + "/.."}) {
            assertThatThrownBy(() -> new Digest(bad)).isInstanceOf(TidemillException.class);
        }
    }

    @Test
    void equalFoldersHaveEqualDigests() {
        var store = new FolderBlobStore(root);
        Folder folder = Folder.store(store, Map.of("b", bytes("2"), "a/x", bytes("1")));
        Folder again = Folder.store(store, Map.of("a/x", bytes("1"), "b", bytes("2")));
        assertThat(again.digest()).isEqualTo(folder.digest());
        assertThat(Folder.load(store, folder.digest())).isEqualTo(folder);
        assertThat(folder.file("../b")).isEmpty();
    }
}
