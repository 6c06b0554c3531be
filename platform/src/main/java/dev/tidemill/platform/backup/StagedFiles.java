package dev.tidemill.platform.backup;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A second name for each file of a folder, so that what is deleted under its first name meanwhile is still there to be copied. */
public final class StagedFiles {
    private StagedFiles() {}

    /**
     * Links the files of a folder of the data directory below a folder on the same file system; copies them where there are no
     * links. They may go on growing. What moves from one file to another meanwhile, the first being deleted once the second is
     * whole, is in one of them or in both. Files must not be changed in place but at their end, since both names have one content.
     */
    public static void link(Path directory, String folder, Path target) throws IOException {
        // A file that the first round missed had a follower by then, which the second round finds.
        for (int round = 0; round < 2; round++) {
            for (Path file : files(directory.resolve(folder))) {
                Path link = target.resolve(directory.relativize(file));
                Files.createDirectories(link.getParent());
                link(file, link);
            }
        }
    }

    /** Files below a folder in order, following no links; none where it is not there. What goes meanwhile is left out. */
    static List<Path> files(Path folder) throws IOException {
        var files = new ArrayList<Path>();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes about) {
                if (about.isRegularFile()) {
                    files.add(file);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }
        });
        files.sort(Comparator.naturalOrder());
        return files;
    }

    private static void link(Path file, Path link) throws IOException {
        try {
            Files.createLink(link, file);
        } catch (FileAlreadyExistsException | NoSuchFileException e) {
            // It is linked since the first round, or has gone.
        } catch (UnsupportedOperationException | FileSystemException e) {
            copy(file, link);
        }
    }

    private static void copy(Path file, Path target) throws IOException {
        try {
            Files.copy(file, target);
        } catch (NoSuchFileException e) {
            // It has gone.
        }
    }
}
