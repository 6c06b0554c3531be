package dev.tidemill.artifacts.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Which blobs texts name, and which are files of the folders among that; also of folders that were let go of lately, which may be
 * wanted still. Of what is looked up only the answer is kept, not the folders' files: there may be millions. Not thread-safe; of one
 * collection.
 */
final class FoldersInUse {
    private final BlobReferences references;
    private final BlobStore store;
    private final CollectableBlobs aside;
    private final Instant before;
    private final Set<Digest> known = new HashSet<>();

    /** @param before what was let go of later may be wanted still */
    FoldersInUse(BlobReferences references, BlobStore store, CollectableBlobs aside, Instant before) {
        this.references = references;
        this.store = store;
        this.aside = aside;
        this.before = before;
    }

    /** Those of the digests that are in use, by everything that is named now. */
    Set<Digest> holding(Set<Digest> among) {
        look();
        return held(among, known);
    }

    /** As {@link #holding}, of digests that were in no use before: only folders that are new since are read. */
    Set<Digest> holdingSince(Set<Digest> among) {
        return held(among, look());
    }

    /** What is named now and was not known. */
    private List<Digest> look() {
        var added = new ArrayList<Digest>();
        for (Digest digest : references.inTexts()) {
            if (known.add(digest)) {
                added.add(digest);
            }
        }
        for (Digest digest : references.foldersReleasedAfter(before)) {
            if (known.add(digest)) {
                added.add(digest);
            }
        }
        return added;
    }

    private Set<Digest> held(Set<Digest> among, Collection<Digest> folders) {
        var held = new HashSet<Digest>();
        for (Digest digest : among) {
            if (known.contains(digest)) {
                held.add(digest);
            }
        }
        for (Digest folder : folders) {
            read(folder, file -> {
                if (among.contains(file)) {
                    held.add(file);
                }
            });
        }
        return held;
    }

    /** The files of a folder, wherever its manifest is now; none of another blob. */
    void read(Digest folder, Consumer<Digest> each) {
        try {
            Optional<InputStream> manifest = manifest(folder);
            if (manifest.isPresent()) {
                Folder.digests(manifest.get(), each);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Most are read no further than their first bytes: whatever texts name, of any size. */
    private Optional<InputStream> manifest(Digest folder) {
        try {
            return Optional.of(store.openOnce(folder));
        } catch (TidemillException e) {
            if (e.code() != ErrorCode.NOT_FOUND) {
                throw e;
            }
            return aside.openAside(folder);
        }
    }
}
