package dev.tidemill.inference.controlplane;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Optional;

/** Blobs of the control plane, each fetched once and kept in a local store. Read only. */
public final class ControlPlaneBlobs implements BlobStore {
    private final ControlPlane control;
    private final BlobStore cache;

    public ControlPlaneBlobs(ControlPlane control, BlobStore cache) {
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
    public byte[] read(Digest digest) {
        fetch(digest);
        return cache.read(digest);
    }

    @Override
    public Path localFile(Digest digest) {
        fetch(digest);
        return cache.localFile(digest);
    }

    private void fetch(Digest digest) {
        if (cache.find(digest).isEmpty()) {
            Blob blob = cache.put(control.blob(digest));
            if (!blob.digest().equals(digest)) {
                throw new TidemillException(
                        ErrorCode.CHECK_FAILED,
                        "Blob " + digest + " arrived as " + blob.digest() + " from the control plane");
            }
        }
    }
}
