package dev.tidemill.platform.backup;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Reads an archive that {@link BackupWriter} wrote, after every entry has been checked. */
public final class BackupReader implements AutoCloseable {
    private final Path file;
    private final ZipFile zip;
    private final JsonNode manifest;

    private BackupReader(Path file, ZipFile zip, JsonNode manifest) {
        this.file = file;
        this.zip = zip;
        this.manifest = manifest;
    }

    /**
     * Opens an archive and checks it.
     *
     * @throws TidemillException {@code INVALID_DATA} if it is no backup, is damaged or cut short; {@code NOT_SUPPORTED} if it is of
     *     a newer format
     */
    public static BackupReader open(Path file) {
        ZipFile zip;
        try {
            zip = new ZipFile(file.toFile());
        } catch (IOException e) {
            throw damaged(file, "it is no archive, or was cut short: " + e.getMessage())
                    .causedBy(e);
        }
        try {
            ZipEntry entry = zip.getEntry(BackupWriter.MANIFEST);
            if (entry == null) {
                throw damaged(file, "it has no " + BackupWriter.MANIFEST);
            }
            JsonNode manifest = Json.read(new String(zip.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8));
            int format = manifest.path("format").asInt();
            if (format < 1 || format > BackupWriter.FORMAT) {
                throw new TidemillException(
                                ErrorCode.NOT_SUPPORTED,
                                "The backup " + file + " has format " + format + "; this version knows format "
                                        + BackupWriter.FORMAT)
                        .remedy("Restore it with the version of Tidemill that wrote it, or a newer one");
            }
            var reader = new BackupReader(file, zip, manifest);
            reader.check();
            return reader;
        } catch (IOException e) {
            closeQuietly(zip);
            throw damaged(file, String.valueOf(e.getMessage())).causedBy(e);
        } catch (RuntimeException e) {
            closeQuietly(zip);
            throw e;
        }
    }

    private void check() throws IOException {
        byte[] buffer = new byte[64 * 1024];
        for (JsonNode entry : manifest.path("entries")) {
            String name = entry.path("name").asText();
            MessageDigest digest = Ids.sha256Digest();
            try (InputStream in = new DigestInputStream(open(name), digest)) {
                while (in.read(buffer) >= 0) {
                    // The digest takes it in.
                }
            }
            if (!HexFormat.of()
                    .formatHex(digest.digest())
                    .equals(entry.path("sha256").asText())) {
                throw damaged(file, "the content of " + name + " is not what was written");
            }
        }
    }

    public JsonNode manifest() {
        return manifest;
    }

    /** Names of the entries that begin so, in the order in which they were written. */
    public List<String> names(String prefix) {
        var names = new ArrayList<String>();
        for (JsonNode entry : manifest.path("entries")) {
            if (entry.path("name").asText().startsWith(prefix)) {
                names.add(entry.path("name").asText());
            }
        }
        return names;
    }

    public InputStream open(String name) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw damaged(file, name + " is missing");
        }
        return zip.getInputStream(entry);
    }

    /** Writes every file to its place in a data directory, with the permissions that it had. */
    public void extract(Path directory) throws IOException {
        Path root = directory.toAbsolutePath().normalize();
        for (JsonNode entry : manifest.path("entries")) {
            String name = entry.path("name").asText();
            if (!name.startsWith(BackupWriter.FILES)) {
                continue;
            }
            Path target =
                    root.resolve(name.substring(BackupWriter.FILES.length())).normalize();
            if (!target.startsWith(root)) {
                throw damaged(file, name + " leads out of the data directory");
            }
            Files.createDirectories(target.getParent());
            try (InputStream in = open(name)) {
                Files.copy(in, target);
            }
            var view = Files.getFileAttributeView(target, PosixFileAttributeView.class);
            if (view != null && entry.has("permissions")) {
                view.setPermissions(PosixFilePermissions.fromString(
                        entry.path("permissions").asText()));
            }
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
