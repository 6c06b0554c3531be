package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Files by where they are said to be: in this server's own store, or below the root that its operator named. A location
 * anywhere else is only told to clients; the server never follows it. Thread-safe.
 */
public final class LocatedFiles {
    /** The largest file that is copied from elsewhere, in bytes. */
    private static final long MOST = 64L * 1024 * 1024 * 1024;

    private final ArtifactTree tree;
    private final MultipartUploads uploads;
    private final BlobStore blobs;
    private final String root;
    private final Optional<ExternalFiles> external;

    /**
     * @param root the operator's root, without a slash at its end
     * @param external what is there; empty where the server cannot read it
     */
    public LocatedFiles(
            ArtifactTree tree,
            MultipartUploads uploads,
            BlobStore blobs,
            String root,
            Optional<ExternalFiles> external) {
        this.tree = tree;
        this.uploads = uploads;
        this.blobs = blobs;
        this.root = root;
        this.external = external;
    }

    /** A file; the digest is known where it is kept here. */
    public record Found(long size, Optional<Digest> digest, Supplier<InputStream> content) {}

    /**
     * What a folder holds itself.
     *
     * @param path below the location that was asked about
     * @param size bytes; 0 of a folder
     */
    public record Listed(String path, boolean folder, long size) {}

    /** What a folder below a location holds itself; nothing where the server cannot read it. */
    public List<Listed> list(String project, String location, String folder) {
        String path = ArtifactLocations.requireInside("path", folder);
        return own(location)
                .map(base -> tree.list(project, joined(base, path)))
                .or(() -> outside(location).map(there -> there.files().list(joined(there.base(), path))))
                .orElse(List.of())
                .stream()
                .map(entry -> new Listed(
                        path.isEmpty() ? entry.name() : path + "/" + entry.name(), entry.folder(), entry.size()))
                .toList();
    }

    /**
     * A file below a location.
     *
     * @throws TidemillException {@code NOT_FOUND}, which says where to look if it is not here
     */
    public Found get(String project, String location, String file) {
        String path = ArtifactLocations.requireInside("path", file);
        Optional<String> own = own(location);
        Optional<Outside> outside = outside(location);
        if (own.isEmpty() && outside.isEmpty()) {
            throw TidemillException.notFound("artifact kept by this server", path)
                    .remedy("Its experiment keeps artifacts at " + location + "; fetch it from there");
        }
        Optional<Found> found = own.isPresent()
                ? tree.find(project, joined(own.get(), path))
                        .map(blob -> new Found(blob.size(), Optional.of(blob.digest()), () -> tree.open(blob)))
                : outside.flatMap(there -> read(there.files(), joined(there.base(), path)));
        return found.orElseThrow(() -> TidemillException.notFound("artifact", path));
    }

    /** Where in the own store a location's files are; empty if they are elsewhere. */
    public Optional<String> own(String location) {
        return location.startsWith(ArtifactLocations.OWN)
                ? Optional.of(location.substring(ArtifactLocations.OWN.length()))
                : Optional.empty();
    }

    /**
     * Everything at a location as one immutable folder of this server's own store; what is elsewhere is copied.
     *
     * @param home locations that the project may read outside the own store: those of the run or model that is named
     * @return empty if nothing is there, or the server cannot or may not read it
     */
    public Optional<Folder> freeze(String project, String location, List<String> home) {
        Optional<String> own = own(location);
        if (own.isPresent()) {
            return tree.freeze(project, own.get());
        }
        boolean allowed = home.stream().anyMatch(one -> location.equals(one) || location.startsWith(one + "/"));
        return allowed ? outside(location).flatMap(there -> copied(project, there)) : Optional.empty();
    }

    /** Removes everything at a location, if it is the server's to remove. */
    public void delete(String project, String location) {
        own(location).ifPresent(path -> tree.delete(project, path));
        outside(location).ifPresent(there -> there.files().delete(there.base()));
    }

    /**
     * Removes everything at a location of the own store, and gives up the uploads that would come there; joins the caller's unit of
     * work. Files elsewhere stay.
     */
    public void deleteOwn(String project, String location) {
        own(location).ifPresent(path -> {
            uploads.abortAt(project, path);
            tree.delete(project, path);
        });
    }

    /** Refuses a location of a user's own choice that lies where the server puts other experiments' files. */
    public static void requireOutside(String field, String location, String root) {
        boolean readable = !root.startsWith(ArtifactLocations.OWN.substring(0, ArtifactLocations.OWN.length() - 1));
        if (readable && (location.equals(root) || location.startsWith(root + "/"))) {
            throw TidemillException.invalid(
                    field,
                    "'" + location + "' lies in the root where this server places experiments; leave " + field
                            + " out, or name another place");
        }
    }

    private record Outside(ExternalFiles files, String base) {}

    private Optional<Outside> outside(String location) {
        if (external.isEmpty() || !location.startsWith(root + "/")) {
            return Optional.empty();
        }
        String base = ArtifactLocations.requireInside("path", location.substring(root.length() + 1));
        return base.isEmpty() ? Optional.empty() : Optional.of(new Outside(external.get(), base));
    }

    private static Optional<Found> read(ExternalFiles files, String path) {
        var size = files.size(path);
        return size.isEmpty()
                ? Optional.empty()
                : Optional.of(new Found(size.getAsLong(), Optional.empty(), () -> files.open(path)));
    }

    private Optional<Folder> copied(String project, Outside there) {
        var copies = new TreeMap<String, BlobStore.Blob>();
        for (Map.Entry<String, Long> file : there.files().below(there.base()).entrySet()) {
            try (InputStream content = there.files().open(joined(there.base(), file.getKey()))) {
                copies.put(file.getKey(), blobs.put(content, MOST));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        if (copies.isEmpty()) {
            return Optional.empty();
        }
        Folder folder = new Folder(copies).storeIn(blobs);
        tree.take(project, folder);
        return Optional.of(folder);
    }

    private static String joined(String base, String path) {
        return path.isEmpty() ? base : base + "/" + path;
    }
}
