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

/** Artifacts in folders of this machine, of those that may be read. */
final class LocalFiles {
    private final ReadableFolders readable;
    private final List<Path> kept;
    private final Set<String> absent = new TreeSet<>();

    /** @param kept folders where the server may have kept what it calls {@code mlflow-artifacts:} */
    LocalFiles(ReadableFolders readable, List<Path> kept) {
        this.readable = readable;
        this.kept = kept;
    }

    /** Those below folders that the user has named. */
    static LocalFiles named(List<Path> folders) throws IOException {
        return named(folders, List.of());
    }

    /** @param own further folders that belong to what is imported */
    static LocalFiles named(List<Path> folders, List<Path> own) throws IOException {
        var all = new ArrayList<>(folders);
        all.addAll(own);
        return new LocalFiles(new ReadableFolders(all), all);
    }

    /**
     * The folder that a URI means here; empty if it is none of this machine's. MLflow decodes percent signs in every form of a
     * location, even a plain path; where no such folder is there, but one of the very name is, that one is meant.
     */
    Optional<Path> folder(String uri) {
        if (uri.startsWith("mlflow-artifacts:/") && !kept.isEmpty()) {
            String inside = uri.substring("mlflow-artifacts:".length()).replaceFirst("^//[^/]*", "");
            List<Path> places =
                    kept.stream().flatMap(root -> below(root, inside).stream()).toList();
            return places.stream()
                    .filter(Files::isDirectory)
                    .findFirst()
                    .or(() -> places.stream().findFirst());
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
        Optional<String> refusal = readable.refusal(folder.get());
        if (refusal.isPresent()) {
            throw new CliException(Exit.NOT_FOUND, "Files at " + uri + " are not read: " + refusal.get());
        }
        var files = new ArrayList<ImportSource.ArtifactFile>();
        for (ReadableFolders.Found found : readable.files(folder.get())) {
            files.add(
                    found.refusal().isPresent()
                            ? ImportSource.ArtifactFile.refused(
                                    found.path(), found.refusal().get())
                            : new ImportSource.ArtifactFile(
                                    found.path(), Files.size(found.file()), () -> Files.newInputStream(found.file())));
        }
        return files;
    }

    /** Whether a folder is here and may be read. */
    boolean holds(Path folder) {
        return Files.isDirectory(folder) && readable.refusal(folder).isEmpty();
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
}
