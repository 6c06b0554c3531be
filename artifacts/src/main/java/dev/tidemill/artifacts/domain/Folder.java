package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Files by path, each a blob. A folder's digest is that of its manifest, a sorted list of paths and digests, so equal
 * folders have equal digests wherever and whenever they were made.
 */
public record Folder(SortedMap<String, BlobStore.Blob> files) {
    private static final Pattern LINE = Pattern.compile("[0-9a-f]{64} \\d{1,19} .");

    /** Largest manifest: about half a million files. A blob beyond is none, whatever it begins with. */
    private static final long LARGEST_MANIFEST = 64 << 20;

    /** More than a line has before its path. */
    private static final int MANIFEST_START = 100;

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
        var folder = new Folder(files);
        store.put(folder.manifest().getBytes(StandardCharsets.UTF_8));
        return folder;
    }

    /**
     * The folder whose manifest a blob is; empty for a blob that is not here or is no manifest. Of a blob that does not begin as one
     * only the beginning is read, and of one that is too large for one nothing.
     */
    public static Optional<Folder> find(BlobStore store, Digest digest) {
        if (store.find(digest).filter(blob -> blob.size() <= LARGEST_MANIFEST).isEmpty()) {
            return Optional.empty();
        }
        try (var content = store.open(digest)) {
            String start = new String(content.readNBytes(MANIFEST_START), StandardCharsets.UTF_8);
            return LINE.matcher(start).lookingAt() ? Optional.of(load(store, digest)) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (TidemillException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Reads a stored folder back from the digest of its manifest. */
    public static Folder load(BlobStore store, Digest digest) {
        var files = new TreeMap<String, BlobStore.Blob>();
        new String(store.read(digest), StandardCharsets.UTF_8).lines().forEach(line -> {
            String[] parts = line.split(" ", 3);
            if (parts.length != 3) {
                throw TidemillException.notFound("folder", digest);
            }
            files.put(parts[2], new BlobStore.Blob(new Digest(parts[0]), Long.parseLong(parts[1])));
        });
        return new Folder(files);
    }
}
