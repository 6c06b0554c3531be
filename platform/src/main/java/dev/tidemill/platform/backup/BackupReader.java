package dev.tidemill.platform.backup;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Reads an archive that {@link BackupWriter} wrote, after all of it has been checked: that the manifest says what it has to, that
 * the archive has exactly the entries that the manifest names, each with the content that was written, and that each has its place.
 * Whoever can change an archive can change its digests as well: they show damage, not malice. Nothing that an archive says makes
 * a file outside of the folders that its {@link BackupLayout} names, or one that others may read or run.
 */
public final class BackupReader implements AutoCloseable {
    /** More than a manifest of ten million files has. */
    private static final int LONGEST_MANIFEST = 2_000_000_000;

    private final Path file;
    private final ZipFile zip;
    private final JsonNode manifest;
    private final Map<String, BackupManifest.Entry> entries;

    private BackupReader(Path file, ZipFile zip, JsonNode manifest, Map<String, BackupManifest.Entry> entries) {
        this.file = file;
        this.zip = zip;
        this.manifest = manifest;
        this.entries = entries;
    }

    /**
     * Opens an archive and checks it.
     *
     * @throws TidemillException {@code NOT_FOUND} if there is no such file; {@code INVALID_DATA} if it is no backup, is damaged or cut short, or has what a backup has not;
     *     {@code NOT_SUPPORTED} if it is of a newer format
     */
    public static BackupReader open(Path file, BackupLayout layout) {
        if (!Files.isRegularFile(file)) {
            throw TidemillException.notFound("backup file", file);
        }
        ZipFile zip;
        try {
            zip = new ZipFile(file.toFile());
        } catch (IOException e) {
            throw damaged(file, "it is no archive, or was cut short: " + e.getMessage())
                    .causedBy(e);
        }
        try {
            JsonNode manifest = manifest(file, zip);
            requireFormat(file, manifest);
            var told = new BackupManifest(manifest, layout);
            told.wrong().ifPresent(why -> {
                throw damaged(file, why);
            });
            var reader = new BackupReader(file, zip, manifest, told.entries());
            reader.requireNamed();
            reader.requireContents();
            return reader;
        } catch (IOException e) {
            closeQuietly(zip);
            throw damaged(file, String.valueOf(e.getMessage())).causedBy(e);
        } catch (RuntimeException | Error e) {
            closeQuietly(zip);
            throw e;
        }
    }

    private static JsonNode manifest(Path file, ZipFile zip) throws IOException {
        ZipEntry entry = zip.getEntry(BackupWriter.MANIFEST);
        if (entry == null) {
            throw damaged(file, "it has no " + BackupWriter.MANIFEST);
        }
        try (InputStream in = zip.getInputStream(entry)) {
            return Json.parseObject(in.readNBytes(LONGEST_MANIFEST));
        } catch (TidemillException e) {
            throw damaged(file, "its " + BackupWriter.MANIFEST + " is no JSON object")
                    .causedBy(e);
        }
    }

    private static void requireFormat(Path file, JsonNode manifest) {
        if (!manifest.path("format").isInt()) {
            throw damaged(file, "its manifest has no 'format'");
        }
        int format = manifest.path("format").asInt();
        if (format < 1 || format > BackupWriter.FORMAT) {
            throw new TidemillException(
                            ErrorCode.NOT_SUPPORTED,
                            "The backup " + file + " has format " + format + "; this version knows format "
                                    + BackupWriter.FORMAT)
                    .remedy("Restore it with the version of Tidemill that wrote it, or a newer one");
        }
    }

    /** What the manifest does not name nobody has checked. */
    private void requireNamed() {
        Set<String> seen = new HashSet<>();
        var all = zip.entries();
        while (all.hasMoreElements()) {
            String name = all.nextElement().getName();
            if (!seen.add(name)) {
                throw damaged(file, "it has '" + name + "' twice");
            }
            if (!entries.containsKey(name) && !name.equals(BackupWriter.MANIFEST)) {
                throw damaged(file, "its manifest does not name '" + name + "'");
            }
        }
    }

    private void requireContents() throws IOException {
        byte[] buffer = new byte[64 * 1024];
        for (BackupManifest.Entry entry : entries.values()) {
            MessageDigest digest = Ids.sha256Digest();
            long bytes = 0;
            try (InputStream in = new DigestInputStream(open(entry.name()), digest)) {
                int read;
                while (bytes <= entry.bytes() && (read = in.read(buffer)) >= 0) {
                    bytes += read;
                }
            }
            if (bytes != entry.bytes()
                    || !HexFormat.of().formatHex(digest.digest()).equals(entry.sha256())) {
                throw damaged(file, "the content of " + entry.name() + " is not what was written");
            }
        }
    }

    public JsonNode manifest() {
        return manifest;
    }

    /** Whether the archive has a file of the data directory, by its path below that with slashes. */
    public boolean hasFile(String path) {
        return entries.containsKey(BackupWriter.FILES + path);
    }

    /** @throws TidemillException {@code INVALID_DATA} if the archive has no such entry */
    public InputStream open(String name) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw damaged(file, name + " is missing");
        }
        return zip.getInputStream(entry);
    }

    /** Opens a file of the data directory, by its path below that with slashes. */
    public InputStream openFile(String path) throws IOException {
        return open(BackupWriter.FILES + path);
    }

    /** Writes every file to its place in an empty data directory, for its owner alone to read and write. */
    public void extract(Path directory) throws IOException {
        extract(directory, path -> true);
    }

    /**
     * As the other, but only some.
     *
     * @param wanted asked for the path of each file below the data directory, with slashes
     */
    public void extract(Path directory, Predicate<String> wanted) throws IOException {
        Path root = directory.toAbsolutePath().normalize();
        for (String path : files(wanted)) {
            Path target = root.resolve(path).normalize();
            if (!target.startsWith(root)) {
                throw damaged(file, path + " leads out of the data directory");
            }
            Files.createDirectories(target.getParent());
            createPrivate(target);
            try (InputStream in = openFile(path);
                    var out = Files.newOutputStream(target, StandardOpenOption.WRITE)) {
                in.transferTo(out);
            }
        }
    }

    /** The paths of files of the data directory below that, with slashes. */
    public List<String> files(Predicate<String> wanted) {
        return entries.keySet().stream()
                .filter(name -> name.startsWith(BackupWriter.FILES))
                .map(name -> name.substring(BackupWriter.FILES.length()))
                .filter(wanted)
                .toList();
    }

    private static void createPrivate(Path target) throws IOException {
        FileAttribute<?> owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try {
            Files.createFile(target, owner);
        } catch (UnsupportedOperationException e) {
            Files.createFile(target);
        }
    }

    private static TidemillException damaged(Path file, String why) {
        return new TidemillException(ErrorCode.INVALID_DATA, "The backup " + file + " cannot be used: " + why);
    }

    private static void closeQuietly(ZipFile zip) {
        try {
            zip.close();
        } catch (IOException e) {
            // What went wrong before is what counts.
        }
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
