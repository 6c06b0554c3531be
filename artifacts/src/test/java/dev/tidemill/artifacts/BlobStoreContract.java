package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.platform.errors.TidemillException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What every store of blobs does. */
abstract class BlobStoreContract {
    abstract BlobStore store();

    /** Number of blobs that are kept, whole or in part. */
    abstract long kept() throws IOException;

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void equalBytesAreKeptOnce() throws Exception {
        var first = store().put(bytes("hello"));
        assertThat(store().put(new ByteArrayInputStream(bytes("hello")), 100)).isEqualTo(first);
        assertThat(store().read(first.digest())).isEqualTo(bytes("hello"));
        assertThat(store().find(first.digest())).contains(first);
        assertThat(kept()).isEqualTo(1);
    }

    @Test
    void noBytesAreABlobToo() throws Exception {
        var empty = store().put(InputStream.nullInputStream(), 0);
        assertThat(empty.size()).isZero();
        assertThat(store().read(empty.digest())).isEmpty();
    }

    @Test
    void whatIsTooLargeLeavesNothing() throws Exception {
        assertThatThrownBy(() -> store().put(new ByteArrayInputStream(new byte[101]), 100))
                .isInstanceOf(TidemillException.class);
        assertThat(kept()).isZero();
    }

    @Test
    void aStreamThatBreaksLeavesNothing() throws Exception {
        InputStream broken = new InputStream() {
            private int left = 1000;

            @Override
            public int read() throws IOException {
                if (left-- <= 0) {
                    throw new IOException("the client went away");
                }
                return 1;
            }
        };
        assertThatThrownBy(() -> store().put(broken, 10_000)).isInstanceOf(IOException.class);
        assertThat(kept()).isZero();
    }

    @Test
    void whatIsNotThereIsToldSo() {
        var absent = new Digest("0".repeat(64));
        assertThat(store().find(absent)).isEmpty();
        assertThatThrownBy(() -> store().read(absent)).isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> store().localFile(absent)).isInstanceOf(TidemillException.class);
    }

    @Test
    void equalFoldersHaveEqualDigests() {
        Folder folder = Folder.store(store(), Map.of("b", bytes("2"), "a/x", bytes("1")));
        Folder again = Folder.store(store(), Map.of("a/x", bytes("1"), "b", bytes("2")));
        assertThat(again.digest()).isEqualTo(folder.digest());
        assertThat(Folder.load(store(), folder.digest())).isEqualTo(folder);
        assertThat(folder.file("../b")).isEmpty();
    }
}
