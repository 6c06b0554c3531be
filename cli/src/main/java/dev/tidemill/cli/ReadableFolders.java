package dev.tidemill.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The folders of this machine from which files may be taken along. What a source says of places, and where its links lead, was
 * written by others, and what is taken along is shown to everybody who sees the project: nothing is read that the user has not
 * named. A place is judged by where it really is.
 */
final class ReadableFolders {
    private final List<Path> roots = new ArrayList<>();

    /**
     * A file or link below a folder.
     *
     * @param path with slashes between its parts; a backslash within one is part of its name
     * @param file what is to be read
     * @param refusal why it may not be read; empty if it may
     */
    record Found(String path, Path file, Optional<String> refusal) {}

    /** Folders as the user has named them, without what depends on where the command runs. */
    static List<Path> absolute(List<Path> named) {
        return named.stream().map(folder -> folder.toAbsolutePath().normalize()).toList();
    }

    /** @param named folders that are here */
    ReadableFolders(Collection<Path> named) throws IOException {
        for (Path folder : named) {
            if (!Files.isDirectory(folder)) {
                throw new CliException(
                        Exit.NOT_FOUND,
                        "There is no folder " + folder + " here; --artifacts names folders of this machine");
            }
            roots.add(folder.toRealPath());
        }
    }

    /** Why a place may not be read; empty if it may. */
    Optional<String> refusal(Path place) {
        Path real;
        try {
            real = place.toRealPath();
        } catch (IOException e) {
            return Optional.of("it leads to nothing that can be read");
        }
        if (roots.stream().anyMatch(real::startsWith)) {
            return Optional.empty();
        }
        Path parent = real.getParent();
        Path folder = Files.isDirectory(real) || parent == null ? real : parent;
        return Optional.of(
                real + " lies outside of the folders that may be read; if it is meant, add --artifacts " + folder);
    }

    /** Files below a folder that may be read itself, in the order of their paths. Links to folders are not followed. */
    List<Found> files(Path folder) throws IOException {
        Path real = folder.toRealPath();
        var found = new ArrayList<Found>();
        try (var walk = Files.walk(real)) {
            for (Path entry : walk.sorted().toList()) {
                found(real, entry).ifPresent(found::add);
            }
        }
        return found;
    }

    private Optional<Found> found(Path folder, Path entry) throws IOException {
        Optional<String> unnamed = FileNames.refusal(folder, entry);
        if (unnamed.isPresent()) {
            return Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)
                    ? Optional.empty()
                    : Optional.of(new Found(FileNames.bytesBelow(folder, entry), entry, unnamed));
        }
        String path = FileNames.below(folder, entry);
        if (!Files.isSymbolicLink(entry)) {
            return Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)
                    ? Optional.of(new Found(path, entry, Optional.empty()))
                    : Optional.empty();
        }
        Optional<String> refusal = refusal(entry);
        if (refusal.isEmpty() && Files.isDirectory(entry)) {
            refusal = Optional.of("it is a link to a folder, of which the files are not taken");
        }
        if (refusal.isPresent()) {
            return Optional.of(new Found(path, entry, refusal));
        }
        // The file that was judged, and not wherever the link leads when it is opened.
        return Files.isRegularFile(entry)
                ? Optional.of(new Found(path, entry.toRealPath(), Optional.empty()))
                : Optional.empty();
    }
}
