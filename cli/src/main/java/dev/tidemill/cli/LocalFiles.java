package dev.tidemill.cli;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Artifacts in folders of this machine. */
final class LocalFiles {
    private final @Nullable Path proxied;

    /** @param proxied the folder where the server kept what it calls {@code mlflow-artifacts:}; null if it is not known */
    LocalFiles(@Nullable Path proxied) {
        this.proxied = proxied;
    }

    /** The folder that a URI means here; empty if it is none of this machine's. */
    Optional<Path> folder(String uri) {
        if (uri.startsWith("file:")) {
            return Optional.of(Path.of(URI.create(uri.replace(" ", "%20")).getPath()));
        }
        if (uri.startsWith("mlflow-artifacts:/") && proxied != null) {
            Path folder = proxied.resolve(
                            uri.substring("mlflow-artifacts:/".length()).replaceFirst("^/+", ""))
                    .normalize();
            return folder.startsWith(proxied) ? Optional.of(folder) : Optional.empty();
        }
        return uri.contains(":") ? Optional.empty() : Optional.of(Path.of(uri));
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

    /** With slashes between its parts; a backslash within one is part of its name. */
    private static String path(Path inside) {
        var parts = new ArrayList<String>();
        inside.forEach(part -> parts.add(part.toString()));
        return String.join("/", parts);
    }
}
