package dev.tidemill.platform.backup;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.io.ByteArrayInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Writes an archive in one pass: a ZIP whose last entry, {@code manifest.json}, lists every other one with its size and
 * SHA-256. An archive that was cut short has no manifest. The format is described in {@code docs/operations.md}.
 */
public final class BackupWriter {
    /** Raised when an older version must not restore an archive any more. */
    public static final int FORMAT = 1;

    static final String MANIFEST = "manifest.json";
    static final String FILES = "files/";

    private final ZipOutputStream zip;
    private final ObjectNode manifest = Json.object().put("format", FORMAT);
    private final Set<String> names = new HashSet<>();

    /** @param out stays open */
    public BackupWriter(OutputStream out) {
        zip = new ZipOutputStream(new Kept(out));
        // Most of it is compressed already.
        zip.setLevel(Deflater.BEST_SPEED);
    }

    /** What the manifest says beside its entries. */
    public ObjectNode manifest() {
        return manifest;
    }

    /** Adds an entry. */
    public void add(String name, byte[] content) throws IOException {
        try (InputStream in = new ByteArrayInputStream(content)) {
            add(name, in, content.length);
        }
    }

    private void add(String name, InputStream in, long atMost) throws IOException {
        MessageDigest digest = Ids.sha256Digest();
        zip.putNextEntry(new ZipEntry(name));
        long written = 0;
        try (var out = new DigestOutputStream(new Kept(zip), digest)) {
            byte[] buffer = new byte[64 * 1024];
            int read;
            while (written < atMost
                    && (read = in.read(buffer, 0, (int) Math.min(buffer.length, atMost - written))) > 0) {
                out.write(buffer, 0, read);
                written += read;
            }
        }
        zip.closeEntry();
        manifest.withArray("entries")
                .addObject()
                .put("name", name)
                .put("bytes", written)
                .put("sha256", HexFormat.of().formatHex(digest.digest()));
        names.add(name);
    }

    /**
     * Adds what is in a folder of the data directory and has not been added. Of a file that grows meanwhile what is there at first is taken; one that goes
     * meanwhile is left out.
     */
    public void addFolder(Path directory, String folder) throws IOException {
        for (Path file : StagedFiles.files(directory.resolve(folder))) {
            if (!names.contains(name(directory, file))) {
                addFile(directory, file);
            }
        }
    }

    /** Adds a file of the data directory; one that is not there, or goes meanwhile, is left out. */
    public void addFile(Path directory, Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            add(name(directory, file), in, Files.size(file));
        } catch (NoSuchFileException e) {
            // It is not there any more, or never was.
        }
    }

    private static String name(Path directory, Path file) {
        return FILES + directory.relativize(file).toString().replace('\\', '/');
    }

    /** Adds what belongs into the data directory and is kept elsewhere, by its path below that with slashes. */
    public void addFile(String path, InputStream content) throws IOException {
        add(FILES + path, content, Long.MAX_VALUE);
    }

    /** Whether a file of the data directory has been added, by its path below that with slashes. */
    public boolean hasFile(String path) {
        return names.contains(FILES + path);
    }

    /** Writes the manifest, which makes the archive whole; nothing can be added after it. */
    public void finish() throws IOException {
        zip.putNextEntry(new ZipEntry(MANIFEST));
        zip.write(Json.write(manifest).getBytes(StandardCharsets.UTF_8));
        zip.closeEntry();
        // Lets go of the compressor's memory as well, which is outside of the heap.
        zip.close();
    }

    /** Closing an entry must not close the archive, nor that its stream. */
    private static final class Kept extends FilterOutputStream {
        Kept(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            out.write(bytes, from, length);
        }

        @Override
        public void close() throws IOException {
            out.flush();
        }
    }
}
