package dev.tidemill.platform.children;

import dev.tidemill.platform.config.FileTrees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Folders of child JVMs, all below one that this process has in the temporary folder. Native libraries of 86 MB and more are
 * unpacked there; a folder goes with its child, and those of a process that was killed go when the next one starts. That a process
 * lives is told by a lock on a file in its folder, which ends with it: numbers of processes mean nothing between containers, and
 * are given out again. Thread-safe.
 */
final class ChildFolders {
    /** Of this process. */
    static final ChildFolders HERE = new ChildFolders(Path.of(System.getProperty("java.io.tmpdir")));

    private static final Logger LOG = LoggerFactory.getLogger(ChildFolders.class);
    private static final String PREFIX = "tidemill-children-";
    private static final String OWNER = "owner";

    /** After which a folder that its maker has not locked is nobody's. */
    private static final Duration UNFINISHED = Duration.ofMinutes(10);

    private final Path parent;
    private @Nullable Path own;
    /** Kept open for its lock. */
    private @Nullable FileChannel owner;

    private long number;

    ChildFolders(Path parent) {
        this.parent = parent;
    }

    /** A new folder; short of name, since a socket's address is short. */
    synchronized Path create() throws IOException {
        while (true) {
            try {
                return Files.createDirectory(own().resolve("c" + ++number));
            } catch (FileAlreadyExistsException e) {
                // The next number is free.
            } catch (NoSuchFileException e) {
                // Somebody has tidied the temporary folder.
                release();
            }
        }
    }

    private Path own() throws IOException {
        Path folder = own;
        if (folder == null) {
            folder = Files.createTempDirectory(Files.createDirectories(parent), PREFIX);
            Path aside = folder.resolve(OWNER + ".new");
            FileChannel channel = FileChannel.open(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            FileLock unused = channel.lock();
            // It has its name only once it is locked.
            Files.move(aside, folder.resolve(OWNER), StandardCopyOption.ATOMIC_MOVE);
            own = folder;
            owner = channel;
        }
        return folder;
    }

    /** Gives up the folder of this process, which the next one deletes. */
    synchronized void release() {
        try (FileChannel channel = owner) {
            own = null;
            owner = null;
        } catch (IOException e) {
            LOG.debug("A lock could not be given up: {}", e.toString());
        }
    }

    void delete(Path folder) {
        try {
            FileTrees.delete(folder);
        } catch (UncheckedIOException e) {
            LOG.debug("{} could not be deleted: {}", folder, e.toString());
        }
    }

    /** Deletes the folders of processes that are gone. */
    synchronized void deleteLeftOvers() {
        try (Stream<Path> all = Files.list(parent)) {
            List<Path> others = all.filter(
                            folder -> folder.getFileName().toString().startsWith(PREFIX))
                    // To open the file of our own lock and close it again would end that lock.
                    .filter(folder -> !folder.equals(own))
                    .toList();
            for (Path folder : others) {
                if (isLeft(folder)) {
                    delete(folder);
                }
            }
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("Left-over folders of children could not be listed: {}", e.toString());
        }
    }

    private static boolean isLeft(Path folder) {
        try (FileChannel channel = FileChannel.open(folder.resolve(OWNER), StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            return lock != null;
        } catch (NoSuchFileException e) {
            return isOld(folder);
        } catch (OverlappingFileLockException | IOException e) {
            // It is in use, or another user's.
            return false;
        }
    }

    private static boolean isOld(Path folder) {
        try {
            return Files.getLastModifiedTime(folder)
                    .toInstant()
                    .isBefore(Instant.now().minus(UNFINISHED));
        } catch (IOException e) {
            return false;
        }
    }
}
