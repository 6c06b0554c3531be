package dev.tidemill.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Artifacts in folders of this machine. */
final class LocalFiles {
    private final @Nullable Path proxied;
    private final Set<String> absent = new TreeSet<>();

    /** @param proxied the folder where the server kept what it calls {@code mlflow-artifacts:}; null if it is not known */
    LocalFiles(@Nullable Path proxied) {
        this.proxied = proxied;
    }

    /**
     * The folder that a URI means here; empty if it is none of this machine's. MLflow decodes percent signs in every form of a
     * location, even a plain path; where no such folder is there, but one of the very name is, that one is meant.
     */
    Optional<Path> folder(String uri) {
        if (uri.startsWith("mlflow-artifacts:/") && proxied != null) {
            String inside = uri.substring("mlflow-artifacts:".length()).replaceFirst("^//[^/]*", "");
            return below(proxied, inside);
        }
        if (uri.startsWith("file:")) {
            String path =
                    uri.substring("file:".length()).replaceFirst("^//[^/]*", "").replaceFirst("[?#].*$", "");
            return Optional.of(meant(Path.of(decoded(path)), Path.of(path)));
        }
        return uri.contains(":") ? Optional.empty() : Optional.of(meant(Path.of(decoded(uri)), Path.of(uri)));
    }

    private static Optional<Path> below(Path root, String inside) {
        Path decoded = root.resolve(decoded(inside).replaceFirst("^/+", "")).normalize();
        Path plain = root.resolve(inside.replaceFirst("^/+", "")).normalize();
        return decoded.startsWith(root) && plain.startsWith(root)
                ? Optional.of(meant(decoded, plain))
                : Optional.empty();
    }

    private static Path meant(Path decoded, Path plain) {
        return Files.isDirectory(decoded) || !Files.isDirectory(plain) ? decoded : plain;
    }

    /** Bytes for their percent signs; a percent sign that begins none stays, as Python's unquote has it. */
    private static String decoded(String text) {
        if (text.indexOf('%') < 0) {
            return text;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        var decoded = new ByteArrayOutputStream(bytes.length);
        for (int i = 0; i < bytes.length; i++) {
            int high = bytes[i] == '%' && i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
            int low = high < 0 ? -1 : Character.digit(bytes[i + 2], 16);
            if (low >= 0) {
                decoded.write(high * 16 + low);
                i += 2;
            } else {
                decoded.write(bytes[i]);
            }
        }
        return decoded.toString(StandardCharsets.UTF_8);
    }

    /** Folders of experiments that were looked for and are not here, one sentence each. */
    List<String> leftBehind() {
        return absent.stream()
                .map(folder -> "There is no folder " + folder
                        + " here: files of its runs, if they had any, are not taken along")
                .toList();
    }

    List<ImportSource.ArtifactFile> files(String uri) throws IOException {
        Optional<Path> folder = folder(uri);
        if (folder.isEmpty()) {
            throw new CliException(
                    Exit.NOT_FOUND,
                    "Files at " + uri + " cannot be read from here"
                            + (uri.startsWith("mlflow-artifacts:")
                                    ? "; name the server's folder with --artifacts"
                                    : ""));
        }
        if (!Files.isDirectory(folder.get())) {
            noteAbsent(folder.get());
            return List.of();
        }
        var files = new ArrayList<ImportSource.ArtifactFile>();
        try (var walk = Files.walk(folder.get())) {
            for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
                files.add(new ImportSource.ArtifactFile(
                        path(folder.get().relativize(file)), Files.size(file), () -> Files.newInputStream(file)));
            }
        }
        return files;
    }

    /**
     * A run without files may have no folder, but the folder of its experiment is there where any of its runs has files: where it is
     * not, they are on another machine, or were moved.
     */
    private void noteAbsent(Path folder) {
        Path run = folder.getParent();
        Path experiment = run == null ? null : run.getParent();
        if (experiment != null && !Files.isDirectory(experiment)) {
            absent.add(experiment.toString());
        }
    }

    /** With slashes between its parts; a backslash within one is part of its name. */
    private static String path(Path inside) {
        var parts = new ArrayList<String>();
        inside.forEach(part -> parts.add(part.toString()));
        return String.join("/", parts);
    }
}
