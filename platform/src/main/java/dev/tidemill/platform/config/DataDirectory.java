package dev.tidemill.platform.config;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.HeldElsewhere;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/** The server's folder, held by one server at a time through a file lock that ends with the process, however it ends. */
public final class DataDirectory implements AutoCloseable {
    /** Raised when an older server must not open the folder any more. */
    static final int FORMAT = 1;

    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rwx------");

    /** A file that is there from the beginning of a restore to its end. */
    private static final String RESTORING = "restoring";

    private final Path path;
    private final FileChannel lockFile;

    private DataDirectory(Path path, FileChannel lockFile) {
        this.path = path;
        this.lockFile = lockFile;
    }

    /**
     * Creates or opens the folder.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if it cannot be written, is in use, is of a newer format, or was being
     *     restored when that ended
     */
    public static DataDirectory open(Path path) {
        DataDirectory directory = locked(path);
        if (Files.exists(path.resolve(RESTORING))) {
            directory.close();
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "The data directory " + path + " holds a part of a backup: its restore did not end")
                    .at("data-dir")
                    .remedy(
                            "Delete the directory, empty the database if it is PostgreSQL, and restore the backup again");
        }
        return directory;
    }

    /**
     * Creates or opens the folder for a restore; until {@link #restored} nobody else opens it.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} as {@link #open}
     */
    public static DataDirectory openForRestore(Path path) {
        DataDirectory directory = locked(path);
        try {
            DurableFile.write(path.resolve(RESTORING), "");
            return directory;
        } catch (IOException e) {
            directory.close();
            throw unusable(path, String.valueOf(e.getMessage()), e);
        }
    }

    /** Ends a restore: everything is there. */
    public void restored() {
        try {
            Files.deleteIfExists(path.resolve(RESTORING));
        } catch (IOException e) {
            throw unusable(path, String.valueOf(e.getMessage()), e);
        }
    }

    @SuppressWarnings("resource") // the channel is kept open to hold the lock
    private static DataDirectory locked(Path path) {
        try {
            if (!Files.isDirectory(path)) {
                Files.createDirectories(path.toAbsolutePath().getParent());
                createPrivate(path);
            } else {
                makePrivate(path);
            }
            FileChannel channel =
                    FileChannel.open(path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (!lock(channel)) {
                channel.close();
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The data directory " + path + " is used by another server")
                        .at("data-dir")
                        .remedy(
                                "Stop that server, choose another directory with --data-dir, or wait for it with --standby")
                        .causedBy(new HeldElsewhere());
            }
            checkFormat(path);
            return new DataDirectory(path, channel);
        } catch (AccessDeniedException | ReadOnlyFileSystemException e) {
            throw unusable(path, "it cannot be written", e);
        } catch (FileAlreadyExistsException e) {
            throw unusable(path, "it is a file", e);
        } catch (IOException e) {
            throw unusable(path, isReadOnly(e) ? "it cannot be written" : String.valueOf(e.getMessage()), e);
        }
    }

    private static boolean isReadOnly(IOException failure) {
        return failure instanceof FileSystemException coded && "Read-only file system".equals(coded.getReason());
    }

    private static void createPrivate(Path path) throws IOException {
        try {
            Files.createDirectory(path, PosixFilePermissions.asFileAttribute(PRIVATE));
        } catch (UnsupportedOperationException e) {
            Files.createDirectory(path);
        }
    }

    /** Takes from everybody else what an existing folder lets them: data, models, keys and secrets lie in it. */
    private static void makePrivate(Path path) throws IOException {
        var view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
        if (view == null || view.readAttributes().permissions().equals(PRIVATE)) {
            return;
        }
        try {
            view.setPermissions(PRIVATE);
        } catch (FileSystemException e) {
            if (isReadOnly(e)) {
                throw e;
            }
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "The data directory " + path
                                    + " is open to others, and this process may not change that: it belongs to "
                                    + Files.getOwner(path).getName())
                    .at("data-dir")
                    .remedy("Run 'chmod 700 " + path + "' as its owner, or name a folder inside it with --data-dir")
                    .causedBy(e);
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private static void checkFormat(Path path) throws IOException {
        Path file = path.resolve("format");
        Optional<String> there = DurableFile.read(file);
        if (there.isEmpty()) {
            DurableFile.write(file, FORMAT + "\n");
            return;
        }
        String text = there.get().strip();
        if (!text.equals(Integer.toString(FORMAT))) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "The data directory " + path + " has format " + text + "; this version knows format "
                                    + FORMAT)
                    .at("data-dir")
                    .remedy("Start the version of Tidemill that wrote it, or a newer one");
        }
    }

    private static TidemillException unusable(Path path, String why, Exception cause) {
        return new TidemillException(
                        ErrorCode.FAILED_PRECONDITION, "The data directory " + path + " cannot be used: " + why)
                .at("data-dir")
                .remedy("Choose a directory that you may write, with --data-dir")
                .causedBy(cause);
    }

    public Path path() {
        return path;
    }

    /** What tells this directory from every other one, wherever it is moved to. */
    public String identity() {
        Path file = path.resolve("identity");
        try {
            Optional<String> there = DurableFile.read(file);
            if (there.isEmpty()) {
                there = Optional.of(Ids.next());
                DurableFile.write(file, there.get() + "\n");
            }
            return there.get().strip();
        } catch (IOException e) {
            throw unusable(path, String.valueOf(e.getMessage()), e);
        }
    }

    /** A folder inside it, made if missing. */
    public Path folder(String name) {
        try {
            return Files.createDirectories(path.resolve(name));
        } catch (IOException e) {
            throw unusable(path, String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void close() {
        try {
            lockFile.close();
        } catch (IOException e) {
            // the lock ends with the process in any case
        }
    }
}
