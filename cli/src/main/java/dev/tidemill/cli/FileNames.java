package dev.tidemill.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Optional;

/** Names of this machine's files as texts. On Linux they are bytes, of which those that are no UTF-8 would all become one sign. */
final class FileNames {
    private FileNames() {}

    /** The path of something below a folder, with slashes between its parts; a backslash within one is part of its name. */
    static String below(Path folder, Path entry) {
        var parts = new ArrayList<String>();
        folder.relativize(entry).forEach(part -> parts.add(part.toString()));
        return String.join("/", parts);
    }

    /** The same with every byte beyond letters and digits as a percent sign and its number, so that no two are alike. */
    static String bytesBelow(Path folder, Path entry) {
        return folder.toUri().relativize(entry.toUri()).getRawPath();
    }

    /** Why the path of something below a folder cannot be told to a server; empty if it can. */
    static Optional<String> refusal(Path folder, Path entry) {
        Path path = folder.relativize(entry);
        try {
            if (path.getFileSystem().getPath(path.toString()).equals(path)) {
                return Optional.empty();
            }
        } catch (InvalidPathException e) {
            // told below
        }
        return Optional.of(
                "the name '" + bytesBelow(folder, entry)
                        + "' (percent signs stand for bytes) is no UTF-8, so that it cannot be told apart from others; rename it");
    }
}
