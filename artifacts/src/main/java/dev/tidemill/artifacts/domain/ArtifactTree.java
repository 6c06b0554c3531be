package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Transactions;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A project's artifacts by path. Below {@value #FOLDERS} lie, by their digests and for reading only, the folders that the
 * project may see. Thread-safe.
 */
public final class ArtifactTree {
    /** Where folders are found by digest. */
    public static final String FOLDERS = "folders";

    private final FileStore files;
    private final BlobStore blobs;
    private final ProjectBlobs owned;
    private final BlobReferences references;
    private final Transactions transactions;
    private final Clock clock;

    public ArtifactTree(
            FileStore files,
            BlobStore blobs,
            ProjectBlobs owned,
            BlobReferences references,
            Transactions transactions,
            Clock clock) {
        this.references = references;
        this.transactions = transactions;
        this.files = files;
        this.blobs = blobs;
        this.owned = owned;
        this.clock = clock;
    }

    /**
     * Stores a file, in place of the one that was there.
     *
     * @param limit most bytes to take
     * @throws TidemillException {@code INVALID_ARGUMENT} for a path that leaves its folder
     */
    public BlobStore.Blob put(String project, String path, InputStream content, long limit) throws IOException {
        String safe = requireWritable(path);
        BlobStore.Blob blob = blobs.put(content, limit);
        transactions.write(() -> name(project, safe, blob));
        return blob;
    }

    /** Gives a stored blob a path, in place of the file that was there. Has to be called within a unit of work. */
    void name(String project, String safe, BlobStore.Blob blob) {
        files.obstacle(project, safe).ifPresent(obstacle -> {
            throw TidemillException.invalid(
                    "path", "Invalid path: '" + safe + "' cannot be a file while there is the file '" + obstacle + "'");
        });
        // First, so that a collection that is about to forget the blob waits, or is waited for.
        references.renew(blob.digest(), clock.instant());
        owned.add(project, blob.digest());
        files.find(project, safe)
                .filter(before -> !before.digest().equals(blob.digest()))
                .ifPresent(before -> references.release(List.of(before.digest()), false, clock.instant()));
        files.put(project, safe, blob, clock.instant());
    }

    /**
     * A path as it is kept.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for one that leaves its folder or that nobody may write
     */
    public String requireWritable(String path) {
        String safe = ArtifactLocations.requireInside("path", path);
        if (safe.isEmpty() || safe.equals(FOLDERS) || safe.startsWith(FOLDERS + "/")) {
            throw TidemillException.invalid("path", "Invalid path: '" + path + "' cannot be written");
        }
        return safe;
    }

    public Optional<BlobStore.Blob> find(String project, String path) {
        String safe = ArtifactLocations.requireInside("path", path);
        Optional<Named> named = named(project, safe);
        if (named.isPresent()) {
            Folder folder = named.get().folder();
            String rest = named.get().rest();
            // A manifest can be written by anybody, and so name files of other projects.
            return folder.file(rest)
                    .or(() -> spelled(folder.files().keySet(), rest).flatMap(folder::file))
                    .filter(file -> owned.contains(project, file.digest()));
        }
        return files.find(project, safe)
                .or(() -> spelled(files.below(project, parent(safe)).keySet(), safe)
                        .flatMap(kept -> files.find(project, kept)));
    }

    private static String parent(String path) {
        return path.substring(0, Math.max(0, path.lastIndexOf('/')));
    }

    /**
     * The file that a client means by a decoded name. Clients before 3.0 undo the encoding of the names that a list tells them, so
     * that they ask for {@code step 1} where {@code step%201} is kept.
     */
    private static Optional<String> spelled(Collection<String> kept, String asked) {
        return kept.stream()
                .filter(name ->
                        name.indexOf('%') >= 0 && ArtifactLocations.spoken(name).equals(asked))
                .findFirst();
    }

    public InputStream open(BlobStore.Blob blob) {
        return blobs.open(blob.digest());
    }

    /** Makes a blob that has just come visible to a project. Nothing names it yet: unless something soon does, it goes. */
    public void take(String project, Digest blob) {
        transactions.write(() -> {
            // First, so that a collection that is about to forget the blob waits, or is waited for.
            references.release(List.of(blob), false, clock.instant());
            owned.add(project, blob);
        });
    }

    /** Lets go of blobs that nobody names any more; what something else refers to stays. */
    public void release(Collection<Digest> blobs) {
        references.release(blobs, false, clock.instant());
    }

    /**
     * Lets go of what may be a folder, or else a blob. A folder goes with its files. Reads no blob, so that it may be part of a unit
     * of work.
     */
    public void releaseFolders(Collection<Digest> foldersOrBlobs) {
        references.release(foldersOrBlobs, true, clock.instant());
    }

    /** What a folder holds itself; nothing for one that is not there. */
    public List<FileStore.Entry> list(String project, String path) {
        String safe = ArtifactLocations.requireInside("path", path);
        Optional<Named> named = named(project, safe);
        return named.isPresent()
                ? entries(named.get().folder().files(), named.get().rest())
                : files.list(project, safe);
    }

    /** Removes a file, or a folder with everything in it; gives how many files that were. */
    public int delete(String project, String path) {
        String safe = ArtifactLocations.requireInside("path", path);
        if (safe.isEmpty()) {
            return 0;
        }
        return transactions.write(() -> {
            var gone = new java.util.ArrayList<Digest>();
            files.below(project, safe).values().forEach(blob -> gone.add(blob.digest()));
            files.find(project, safe).ifPresent(blob -> gone.add(blob.digest()));
            references.release(gone, false, clock.instant());
            return files.delete(project, safe);
        });
    }

    /** A stored folder by its digest; empty if it is not here. */
    public Optional<Folder> folder(Digest digest) {
        return blobs.find(digest).map(manifest -> Folder.load(blobs, digest));
    }

    /** The files below a path as one immutable folder, stored and visible to the project; empty if there is no file. */
    public Optional<Folder> freeze(String project, String path) {
        String safe = ArtifactLocations.requireInside("path", path);
        Optional<Named> named = named(project, safe);
        if (named.isPresent()) {
            Folder whole = named.get().folder();
            if (!owned.containsAll(project, digests(whole))) {
                throw TidemillException.notFound("artifact", path);
            }
            return named.get().rest().isEmpty() ? Optional.of(whole) : Optional.empty();
        }
        var relative = new TreeMap<String, BlobStore.Blob>();
        files.below(project, safe).forEach((file, blob) -> relative.put(file.substring(safe.length() + 1), blob));
        if (safe.isEmpty() || relative.isEmpty()) {
            return Optional.empty();
        }
        Folder folder = new Folder(relative).storeIn(blobs);
        take(project, folder);
        return Optional.of(folder);
    }

    /** Makes a folder that has just been stored visible to a project. Nothing names it yet: unless something soon does, it goes. */
    public void take(String project, Folder folder) {
        transactions.write(() -> {
            releaseFolders(List.of(folder.digest()));
            release(folder.files().values().stream().map(BlobStore.Blob::digest).toList());
            owned.add(project, folder);
        });
    }

    /**
     * Blobs that were looked for, and are about to be named in one project.
     *
     * @param absent those that were not there
     */
    public record Claim(String project, Set<Digest> digests, Set<Digest> absent) {
        public Claim {
            digests = Set.copyOf(digests);
            absent = Set.copyOf(absent);
        }
    }

    /**
     * Looks for blobs that are about to be named by a unit of work, before that begins: the store may be elsewhere, and many wait for a
     * unit of work. However long ago the look was, {@link #claim} refuses what has gone since.
     *
     * @throws TidemillException {@code UNAVAILABLE} if the store does not tell now
     */
    public Claim look(String project, Set<Digest> digests) {
        Set<BlobReferences.Removal> removals = references.removals(digests);
        Set<Digest> absent = blobs.absent(digests);
        // It was out of sight before, and so it has come back, or was stored anew: either stays, unless another removal
        // has begun since.
        references.endRemoval(removals.stream()
                .filter(removal -> !absent.contains(removal.digest()))
                .toList());
        return new Claim(project, digests, absent);
    }

    /** As {@link #look(String, Set)}, for a folder and its files. */
    public Claim look(String project, Folder folder) {
        Set<Digest> all = digests(folder);
        all.add(folder.digest());
        return look(project, all);
    }

    /**
     * Makes sure, for what is about to name blobs that are stored already, that they are the project's and stay. Has to be called within
     * the unit of work that names them: a collection under way waits for it, or it is refused.
     *
     * @throws TidemillException {@code NOT_FOUND} for what the project does not have, or has no more
     */
    public void claim(Claim looked) {
        Set<Digest> removing = references.claim(looked.digests(), clock.instant());
        // Readers too go with a blob that goes, so that what went between the look and this is not the project's any
        // more.
        if (!owned.containsAll(looked.project(), looked.digests())) {
            throw absent(looked.digests().stream().filter(digest -> !owned.contains(looked.project(), digest)));
        }
        if (!looked.absent().isEmpty() || !removing.isEmpty()) {
            throw absent(Stream.concat(looked.absent().stream(), removing.stream()));
        }
    }

    private static TidemillException absent(Stream<Digest> digests) {
        return TidemillException.notFound("blob", digests.findFirst().orElseThrow())
                .remedy("Upload it again: what nothing refers to is removed after a day");
    }

    private static Set<Digest> digests(Folder folder) {
        return folder.files().values().stream()
                .map(BlobStore.Blob::digest)
                .collect(Collectors.toCollection(HashSet::new));
    }

    private record Named(Folder folder, String rest) {}

    /** The folder that a path names by digest, if it does and the project may see it. */
    private Optional<Named> named(String project, String path) {
        String[] parts = path.split("/", 3);
        if (parts.length < 2 || !parts[0].equals(FOLDERS) || !parts[1].matches("[0-9a-f]{64}")) {
            return Optional.empty();
        }
        var digest = new Digest(parts[1]);
        if (!owned.contains(project, digest)) {
            throw TidemillException.notFound("artifact", path);
        }
        return Optional.of(new Named(Folder.load(blobs, digest), parts.length == 3 ? parts[2] : ""));
    }

    /** What lies directly below a folder, from the paths of everything that lies below it. */
    public static List<FileStore.Entry> entries(SortedMap<String, BlobStore.Blob> files, String folder) {
        String prefix = folder.isEmpty() ? "" : folder + "/";
        var entries = new TreeMap<String, FileStore.Entry>();
        files.forEach((path, blob) -> {
            if (path.startsWith(prefix)) {
                String rest = path.substring(prefix.length());
                int slash = rest.indexOf('/');
                String name = slash < 0 ? rest : rest.substring(0, slash);
                entries.putIfAbsent(name, new FileStore.Entry(name, slash >= 0, slash < 0 ? blob.size() : 0));
            }
        });
        return List.copyOf(entries.values());
    }
}
