package dev.tidemill.platform.config;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.HeldElsewhere;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** The server's folder, held by one server at a time; see {@link DirectoryLock}. */
public final class DataDirectory implements AutoCloseable {
    /** Raised when an older server must not open the folder any more. */
    static final int FORMAT = 1;

    private static final Set<PosixFilePermission> PRIVATE = PosixFilePermissions.fromString("rwx------");

    /** A file that is there from the beginning of a restore to its end. */
    private static final String RESTORING = "restoring";

    /** How long an answer to {@link #requireHeld} stands. */
    private static final long LOOK_NANOS = Duration.ofSeconds(1).toNanos();

    private final Path path;
    private final DirectoryLock lock;
    /** Of this time that it is open alone. */
    private final String opening = Ids.next();

    private volatile long lookedAt = System.nanoTime();

    private DataDirectory(Path path, DirectoryLock lock) {
        this.path = path;
        this.lock = lock;
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

    private static DataDirectory locked(Path path) {
        try {
            if (!Files.isDirectory(path)) {
                Files.createDirectories(path.toAbsolutePath().getParent());
                createPrivate(path);
            } else {
                makePrivate(path);
            }
            Optional<DirectoryLock> lock = DirectoryLock.take(path.resolve("lock"));
            if (lock.isEmpty()) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The data directory " + path + " is used by another server")
                        .at("data-dir")
                        .remedy(
                                "Stop that server, choose another directory with --data-dir, or wait for it with --standby")
                        .causedBy(new HeldElsewhere());
            }
            return checked(path, lock.get());
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

    private static DataDirectory checked(Path path, DirectoryLock lock) throws IOException {
        try {
            checkFormat(path);
            return new DataDirectory(path, lock);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
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

    /** What tells this time that it is open from every other one. */
    public String opening() {
        return opening;
    }

    /**
     * Whether no other process has taken the folder, which can be where its lock was removed while this one held it. Looks at the file
     * each time; the answer no is for good.
     */
    public boolean isHeld() {
        return lock.isHeld();
    }

    /**
     * Refuses to write for a process that another has taken the folder from; looks again after a second.
     *
     * @throws TidemillException {@code UNAVAILABLE} if another process holds the folder, or it is closed
     */
    public void requireHeld() {
        long now = System.nanoTime();
        if (now - lookedAt <= LOOK_NANOS) {
            return;
        }
        if (!isHeld()) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "The data directory " + path
                                    + " has been taken by another server; this one writes nothing more")
                    .remedy("Use that server");
        }
        lookedAt = now;
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
        lock.close();
    }
}
