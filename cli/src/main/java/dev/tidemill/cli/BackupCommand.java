package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill backup}. */
@Command(
        name = "backup",
        description = "Keep everything that a server holds in one file, while it goes on working.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Bring it back with 'tidemill restore FILE --data-dir DIR'. Takes an administrator's token.",
            "Ends with 5 while another backup is made or where the file is there, and with 8 if the server itself lacks blobs that its database names."
        })
final class BackupCommand implements Callable<Integer> {
    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "FILE", description = "File to write, or a folder to write tidemill-TIME.zip into")
    private Path file = Path.of("");

    @Option(names = "--force", description = "Put it in the place of a file that is there")
    private boolean force;

    @Override
    public Integer call() throws IOException {
        Path target = Files.isDirectory(file)
                ? file.resolve("tidemill-" + java.time.Instant.now().toString().replaceAll("[:.]", "-") + ".zip")
                : file;
        if (Files.exists(target) && !force) {
            throw new CliException(
                    Exit.CONFLICT, target + " is there already; name another file, or replace it with --force");
        }
        Path aside = target.resolveSibling(target.getFileName() + ".part");
        Files.deleteIfExists(aside);
        createPrivate(aside);
        try {
            download(aside);
            JsonNode manifest = check(aside);
            Files.move(aside, target, StandardCopyOption.REPLACE_EXISTING);
            long bytes = Files.size(target);
            int entries = manifest.path("entries").size();
            int missing = manifest.path("missingBlobs").size();
            System.out.println(
                    connection.json()
                            ? Api.object()
                                    .put("file", target.toString())
                                    .put("bytes", bytes)
                                    .put("entries", entries)
                                    .put("missingBlobs", missing)
                                    .toString()
                            : target + ": " + entries + " entries, " + bytes + " bytes, each checked");
            if (missing > 0) {
                System.err.println("tidemill: " + missing
                        + " blobs that the database names are not in the server's directory, and so not in the backup;"
                        + " its manifest lists them as 'missingBlobs'");
                return Exit.INCOMPLETE;
            }
            return Exit.OK;
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private void download(Path target) throws IOException {
        try {
            connection.api().download("/api/tidemill/v1/server/backup", target, -1);
        } catch (FileSystemException e) {
            throw e;
        } catch (IOException e) {
            throw new CliException(Exit.FAILURE, "The backup broke off; try again (" + e.getMessage() + ")");
        }
    }

    /** It holds secrets. */
    private static void createPrivate(Path file) throws IOException {
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (UnsupportedOperationException e) {
            Files.createFile(file);
        }
    }

    /** An archive whose transfer broke off has no end, and one that was damaged on the way other digests. */
    private static JsonNode check(Path file) throws IOException {
        try (var zip = new ZipFile(file.toFile())) {
            ZipEntry told = zip.getEntry("manifest.json");
            if (told == null) {
                throw new CliException(Exit.FAILURE, "The backup broke off; try again");
            }
            JsonNode manifest = Api.JSON.readTree(zip.getInputStream(told));
            for (JsonNode entry : manifest.path("entries")) {
                String name = entry.path("name").asText();
                MessageDigest digest = Sha256.begin();
                try (InputStream in = new DigestInputStream(zip.getInputStream(zip.getEntry(name)), digest)) {
                    in.transferTo(java.io.OutputStream.nullOutputStream());
                }
                if (!HexFormat.of()
                        .formatHex(digest.digest())
                        .equals(entry.path("sha256").asText())) {
                    throw new CliException(Exit.FAILURE, "The backup was damaged on its way, at " + name);
                }
            }
            return manifest;
        } catch (java.util.zip.ZipException e) {
            throw new CliException(Exit.FAILURE, "The backup broke off; try again (" + e.getMessage() + ")");
        }
    }
}
