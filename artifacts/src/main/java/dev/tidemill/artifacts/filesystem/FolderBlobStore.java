package dev.tidemill.artifacts.filesystem;

import dev.tidemill.artifacts.domain.CachedBlobs;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.FullDisk;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.UnitOfWork;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Blobs as files {@code ab/cdef...} below a root. A blob is written aside, synced and moved into place in one step. */
public final class FolderBlobStore implements CachedBlobs, PrimaryBlobs {
    private static final int BUFFER = 256 * 1024;
    /** By the first byte of digests. */
    public static final int FOLDERS = 256;

    private final Path root;
    private final Path incoming;

    public FolderBlobStore(Path root) {
        this.root = root;
        this.incoming = root.resolve("incoming");
        try {
            Files.createDirectories(incoming);
            bringAllBack();
            // What a crash left half-written has no name that anybody knows.
            try (var leftovers = Files.list(incoming)) {
                for (Path leftover : leftovers.toList()) {
                    Files.deleteIfExists(leftover);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Blob put(InputStream content, long limit) throws IOException {
        try (Staged staged = stage(content, limit)) {
            keep(staged);
            return staged.blob();
        }
    }

    @Override
    public Staged stage(InputStream content, long limit) throws IOException {
        assert !UnitOfWork.isUnderWay() : "a blob is stored within a unit of work";
        Path aside = incoming.resolve(Ids.next());
        try {
            MessageDigest digest = Ids.sha256Digest();
            long size = 0;
            try (FileChannel file = FileChannel.open(aside, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                byte[] buffer = new byte[BUFFER];
                int read;
                while ((read = content.read(buffer)) > 0) {
                    size += read;
                    if (size > limit) {
                        throw new TidemillException(
                                ErrorCode.TOO_LARGE, "The upload is larger than " + limit + " bytes");
                    }
                    digest.update(buffer, 0, read);
                    write(file, buffer, read);
                }
                file.force(true);
            }
            return new Incoming(new Blob(new Digest(HexFormat.of().formatHex(digest.digest())), size), aside);
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(aside);
            throw e;
        }
    }

    private record Incoming(Blob blob, Path file) implements Staged {
        @Override
        public void close() {
            delete(file);
        }
    }

    private static boolean delete(Path file) {
        try {
            return Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void keep(Staged staged) throws IOException {
        Path target = path(staged.blob().digest());
        Files.createDirectories(target.getParent());
        Files.move(staged.file(), target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void remove(Digest digest) {
        delete(path(digest));
    }

    @Override
    public List<Copy> copies() {
        var copies = new ArrayList<Copy>();
        for (int first = 0; first < FOLDERS; first++) {
            for (Digest digest : beginningWith(first)) {
                try {
                    Path file = path(digest);
                    copies.add(new Copy(
                            new Blob(digest, Files.size(file)),
                            Files.getLastModifiedTime(file).toInstant()));
                } catch (NoSuchFileException e) {
                    // It has gone since.
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
        return copies;
    }

    private static void write(FileChannel file, byte[] buffer, int length) throws IOException {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, length);
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
        } catch (IOException e) {
            if (FullDisk.is(e)) {
                throw new TidemillException(ErrorCode.STORAGE_FULL, "There is no room for the upload; nothing was kept")
                        .remedy("Free disk space in the data directory")
                        .causedBy(e);
            }
            throw e;
        }
    }

    @Override
    public Blob put(byte[] content) {
        var digest = new Digest(Ids.sha256(content));
        Optional<Blob> known = find(digest);
        if (known.isPresent() && renew(digest)) {
            return known.get();
        }
        try {
            return put(new ByteArrayInputStream(content), Long.MAX_VALUE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void bringAllBack() {
        Path folder = root.resolve("aside");
        if (Files.isDirectory(folder)) {
            try (var leftovers = Files.list(folder)) {
                for (Path leftover : leftovers.toList()) {
                    bringBack(new Digest(leftover.getFileName().toString()));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Tells the collector that the blob is wanted; false if it was just taken away. */
    private boolean renew(Digest digest) {
        try {
            Files.setLastModifiedTime(path(digest), FileTime.from(Instant.now()));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void touch(Digest digest) {
        renew(digest);
    }

    @Override
    public int removeUnused(Instant before) {
        int removed = 0;
        try (var folders = Files.newDirectoryStream(root, "[0-9a-f][0-9a-f]")) {
            for (Path folder : folders) {
                try (var blobs = Files.newDirectoryStream(folder)) {
                    for (Path blob : blobs) {
                        if (Files.getLastModifiedTime(blob).toInstant().isBefore(before)
                                && Files.deleteIfExists(blob)) {
                            removed++;
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return removed;
    }

    @Override
    public List<Digest> beginningWith(int first) {
        String folder = HexFormat.of().toHexDigits((byte) first);
        try (var files = Files.newDirectoryStream(root.resolve(folder))) {
            var digests = new ArrayList<Digest>();
            for (Path file : files) {
                String name = folder + file.getFileName();
                // Programs leave files of their own beside others'.
                if (Digest.is(name)) {
                    digests.add(new Digest(name));
                }
            }
            return digests;
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public boolean setAside(Digest digest, Instant before) {
        Path blob = path(digest);
        Path aside = aside(digest);
        try {
            if (Files.getLastModifiedTime(blob).toInstant().isAfter(before)) {
                return false;
            }
            Files.createDirectories(aside.getParent());
            Files.move(blob, aside, StandardCopyOption.ATOMIC_MOVE);
            // Renewed between the look and the move: the move keeps the time.
            if (Files.getLastModifiedTime(aside).toInstant().isAfter(before)) {
                bringBack(digest);
                return false;
            }
            return true;
        } catch (NoSuchFileException e) {
            return true;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void bringBack(Digest digest) {
        try {
            Files.move(aside(digest), path(digest), StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            // It was not there when it was asked for.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<InputStream> openAside(Digest digest) {
        try {
            return Optional.of(Files.newInputStream(aside(digest)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void removeAside(Digest digest) {
        delete(aside(digest));
    }

    private Path aside(Digest digest) {
        return root.resolve("aside").resolve(digest.value());
    }

    @Override
    public Optional<Blob> find(Digest digest) {
        try {
            return Optional.of(new Blob(digest, Files.size(path(digest))));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public InputStream open(Digest digest) {
        try {
            return Files.newInputStream(path(digest));
        } catch (NoSuchFileException e) {
            throw TidemillException.notFound("blob", digest);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Path localFile(Digest digest) {
        Path path = path(digest);
        if (!Files.isRegularFile(path)) {
            throw TidemillException.notFound("blob", digest);
        }
        return path;
    }

    /** Others of this port ask a bucket: who uses one within a unit of work is found by every test of theirs that has this one. */
    private Path path(Digest digest) {
        assert !UnitOfWork.isUnderWay() : "a blob is asked for within a unit of work";
        return root.resolve(relativePath(digest));
    }

    /** Where a blob is below the root, with slashes. */
    public static String relativePath(Digest digest) {
        return folder(digest) + "/" + digest.value().substring(2);
    }

    /** The folder below the root in which a blob is. */
    public static String folder(Digest digest) {
        return digest.value().substring(0, 2);
    }
}
