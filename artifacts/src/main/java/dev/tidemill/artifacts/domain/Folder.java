package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.RowBytes;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Files by path, each a blob. A folder's digest is that of its manifest, a sorted list of paths and digests, so equal
 * folders have equal digests wherever and whenever they were made.
 */
public record Folder(SortedMap<String, BlobStore.Blob> files) {
    private static final Pattern LINE = Pattern.compile("([0-9a-f]{64}) (\\d{1,18}) (.+)", Pattern.DOTALL);

    private static final int DIGEST_LENGTH = 64;

    /** Largest manifest: about half a million files. */
    private static final long LARGEST_MANIFEST = 64 << 20;

    /** What a manifest takes in memory while it is read, over its size. */
    private static final int UNFOLDED = 6;

    public Folder {
        files = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(files));
    }

    /** One line a file: digest, size, path. */
    public String manifest() {
        var text = new StringBuilder();
        files.forEach((path, blob) -> text.append(blob.digest())
                .append(' ')
                .append(blob.size())
                .append(' ')
                .append(path)
                .append('\n'));
        return text.toString();
    }

    /**
     * Stores the manifest; the files are there already.
     *
     * @throws TidemillException {@code TOO_LARGE} for more files than a folder can be read back with
     */
    public Folder storeIn(BlobStore store) {
        byte[] manifest = manifest().getBytes(StandardCharsets.UTF_8);
        if (manifest.length > LARGEST_MANIFEST) {
            throw new TidemillException(
                            ErrorCode.TOO_LARGE,
                            "The folder has " + files.size() + " files; the list of them may take "
                                    + (LARGEST_MANIFEST >> 20) + " MB, and takes " + (manifest.length >> 20))
                    .remedy("Pack small files into an archive");
        }
        store.put(manifest);
        return this;
    }

    public Digest digest() {
        return new Digest(Ids.sha256(manifest()));
    }

    public Optional<BlobStore.Blob> file(String path) {
        return Optional.ofNullable(files.get(path));
    }

    /** Sum of the files' sizes in bytes. */
    public long size() {
        return files.values().stream().mapToLong(BlobStore.Blob::size).sum();
    }

    /** Stores files and their manifest. */
    public static Folder store(BlobStore store, Map<String, byte[]> contents) {
        var files = new TreeMap<String, BlobStore.Blob>();
        contents.forEach((path, content) -> files.put(path, store.put(content)));
        return new Folder(files).storeIn(store);
    }

    /**
     * The digests of a manifest's files in their order, however many there are: nothing is kept. Ends where a line does not begin with
     * a digest, so that of what is no manifest almost nothing is read.
     *
     * @param manifest is closed
     */
    public static void digests(InputStream manifest, Consumer<Digest> each) throws IOException {
        try (var bytes = new BufferedInputStream(manifest)) {
            byte[] start = bytes.readNBytes(DIGEST_LENGTH + 1);
            while (start.length > DIGEST_LENGTH && start[DIGEST_LENGTH] == ' ') {
                String digest = new String(start, 0, DIGEST_LENGTH, StandardCharsets.ISO_8859_1);
                if (!Digest.is(digest)) {
                    return;
                }
                each.accept(new Digest(digest));
                int next;
                do {
                    next = bytes.read();
                } while (next >= 0 && next != '\n');
                start = bytes.readNBytes(DIGEST_LENGTH + 1);
            }
        }
    }

    /**
     * Reads a stored folder back from the digest of its manifest. Counted to the request that asks for it.
     *
     * @throws TidemillException {@code NOT_FOUND} if the blob is not there or is no manifest
     */
    public static Folder load(BlobStore store, Digest digest) {
        long size = store.find(digest).map(BlobStore.Blob::size).orElse(0L);
        if (size > LARGEST_MANIFEST) {
            throw TidemillException.notFound("folder", digest);
        }
        RowBytes.take(size * UNFOLDED);
        var files = new TreeMap<String, BlobStore.Blob>();
        String manifest = new String(store.read(digest), StandardCharsets.UTF_8);
        manifest.lines().forEach(line -> {
            Matcher file = LINE.matcher(line);
            // Lines in another order, or one path twice: what it is known by would be the digest of another manifest.
            if (!file.matches() || (!files.isEmpty() && files.lastKey().compareTo(file.group(3)) >= 0)) {
                throw TidemillException.notFound("folder", digest);
            }
            files.put(file.group(3), new BlobStore.Blob(new Digest(file.group(1)), Long.parseLong(file.group(2))));
        });
        if (!files.isEmpty() && !manifest.endsWith("\n")) {
            throw TidemillException.notFound("folder", digest);
        }
        return new Folder(files);
    }
}
