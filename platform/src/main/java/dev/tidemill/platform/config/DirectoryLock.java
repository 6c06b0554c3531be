package dev.tidemill.platform.config;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lock of a folder: a file in it that the process has locked, which ends with the process, however it ends. Who removes the file
 * does not end the lock, but lets another process lock a new file of the same name; therefore {@link #isHeld} has to be asked again and
 * again. Thread-safe.
 */
final class DirectoryLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryLock.class);

    private final Path file;
    private FileChannel channel;
    /** Tells the locked file from another one with its name; null where the file system has no such key. */
    private @Nullable Object key;

    private boolean lost;
    private boolean closed;

    private DirectoryLock(Path file, FileChannel channel) throws IOException {
        this.file = file;
        this.channel = channel;
        this.key = key(file);
    }

    /** Locks the file, made if missing; empty if somebody else has locked it. */
    static Optional<DirectoryLock> take(Path file) throws IOException {
        Optional<FileChannel> channel = locked(file);
        return channel.isEmpty() ? Optional.empty() : Optional.of(new DirectoryLock(file, channel.get()));
    }

    @SuppressWarnings("resource") // the channel is kept open to hold the lock
    private static Optional<FileChannel> locked(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return Optional.of(channel);
            }
        } catch (OverlappingFileLockException e) {
            // this process holds it
        }
        channel.close();
        return Optional.empty();
    }

    private static @Nullable Object key(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    /**
     * Whether no other process holds the folder. Where the file has been removed, and nobody has locked a new one, a new one is locked
     * now; once another process has, the answer is no for good.
     */
    synchronized boolean isHeld() {
        if (lost || closed) {
            return false;
        }
        try {
            if (!isSameFile()) {
                retake();
            }
        } catch (IOException e) {
            // A file system that is away for a moment says nothing about who holds the lock.
            LOG.warn("Whether {} is still this server's cannot be seen: {}", file, e.toString());
        }
        return !lost;
    }

    private boolean isSameFile() throws IOException {
        try {
            Object there = key(file);
            return there == null || there.equals(key);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private void retake() throws IOException {
        // Its lock is worth nothing now; and if it were the same file after all, closing it later would end the new
        // lock.
        channel.close();
        Optional<FileChannel> again = locked(file);
        if (again.isEmpty()) {
            lost = true;
            return;
        }
        channel = again.get();
        key = key(file);
        LOG.warn(
                "{} was removed while this server held it; it is locked again. Leave it: it goes with the server",
                file);
    }

    @Override
    public synchronized void close() {
        closed = true;
        try {
            channel.close();
        } catch (IOException e) {
            // the lock ends with the process in any case
        }
    }
}
