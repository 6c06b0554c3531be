package dev.tidemill.inference.controlplane;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.CachedBlobs;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.inference.domain.ServingPlan;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Blobs of the control plane, each fetched once and kept in a local store as long as it is wanted. Read only. Thread-safe. */
public final class ControlPlaneBlobs implements BlobStore {
    private final ControlPlane control;
    private final CachedBlobs cache;

    public ControlPlaneBlobs(ControlPlane control, CachedBlobs cache) {
        this.control = control;
        this.cache = cache;
    }

    @Override
    public Blob put(InputStream content, long limit) {
        throw readOnly();
    }

    @Override
    public Blob put(byte[] content) {
        throw readOnly();
    }

    private static TidemillException readOnly() {
        return new TidemillException(
                ErrorCode.NOT_SUPPORTED, "A gateway stores no artifacts; send them to the control plane");
    }

    @Override
    public Optional<Blob> find(Digest digest) {
        fetch(digest);
        return cache.find(digest);
    }

    @Override
    public InputStream open(Digest digest) {
        fetch(digest);
        return cache.open(digest);
    }

    @Override
    public Path localFile(Digest digest) {
        fetch(digest);
        return cache.localFile(digest);
    }

    private void fetch(Digest digest) {
        if (cache.find(digest).isPresent()) {
            cache.touch(digest);
            return;
        }
        Blob blob;
        try (InputStream content = control.blob(digest)) {
            blob = cache.put(content, Long.MAX_VALUE);
        } catch (IOException e) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "Blob " + digest + " did not come whole: " + e.getMessage())
                    .causedBy(e);
        }
        if (!blob.digest().equals(digest)) {
            throw new TidemillException(
                    ErrorCode.CHECK_FAILED,
                    "Blob " + digest + " arrived as " + blob.digest() + " from the control plane");
        }
    }

    /**
     * Removes copies that nothing has been loaded from since a time and that no plan needs; those of plans stay, so that a gateway
     * which starts while the control plane is away has them.
     *
     * @return how many are gone
     */
    public int removeUnused(List<ServingPlan> plans, Instant before) {
        for (ServingPlan plan : plans) {
            touchFolder(plan.champion().folder());
            plan.challenger()
                    .ifPresent(challenger -> touchFolder(challenger.version().folder()));
        }
        return cache.removeUnused(before);
    }

    private void touchFolder(Digest folder) {
        if (cache.find(folder).isPresent()) {
            cache.touch(folder);
            Folder.load(cache, folder).files().values().forEach(file -> cache.touch(file.digest()));
        }
    }
}
