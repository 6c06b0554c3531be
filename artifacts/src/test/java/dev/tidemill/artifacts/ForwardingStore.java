package dev.tidemill.artifacts;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** A store as it is, but for what a subclass says. */
class ForwardingStore implements BlobStore {
    private final BlobStore target;

    ForwardingStore(BlobStore target) {
        this.target = target;
    }

    @Override
    public Blob put(InputStream content, long limit) throws IOException {
        return target.put(content, limit);
    }

    @Override
    public Blob put(byte[] content) {
        return target.put(content);
    }

    @Override
    public Optional<Blob> find(Digest digest) {
        return target.find(digest);
    }

    @Override
    public Set<Digest> absent(Set<Digest> digests) {
        return target.absent(digests);
    }

    @Override
    public InputStream open(Digest digest) {
        return target.open(digest);
    }

    @Override
    public Path localFile(Digest digest) {
        return target.localFile(digest);
    }
}
