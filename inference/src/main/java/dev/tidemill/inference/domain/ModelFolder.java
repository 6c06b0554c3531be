package dev.tidemill.inference.domain;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.registry.domain.ModelDescription;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/** An MLflow model folder that is about to be loaded. What is read of it is checked against its digest. */
public record ModelFolder(ServedVersion version, ModelDescription description, Folder folder, BlobStore blobs) {
    public boolean has(String path) {
        return folder.file(path).isPresent();
    }

    /** @throws TidemillException {@code FAILED_PRECONDITION} if the file is missing or damaged */
    public byte[] read(String path) {
        BlobStore.Blob blob = folder.file(path).orElseThrow(() -> unusable("its folder has no file " + path));
        byte[] content = blobs.read(blob.digest());
        var digest = new Digest(HexFormat.of().formatHex(Ids.sha256Digest().digest(content)));
        if (!digest.equals(blob.digest())) {
            throw unusable("its file " + path + " is damaged: the digest is not the one that was registered");
        }
        return content;
    }

    /** Copies a file to a new one. */
    public void copy(String path, Path target) throws IOException {
        BlobStore.Blob blob = folder.file(path).orElseThrow(() -> unusable("its folder has no file " + path));
        MessageDigest digest = Ids.sha256Digest();
        try (var content = new DigestInputStream(blobs.open(blob.digest()), digest)) {
            Files.copy(content, target);
        }
        if (!HexFormat.of().formatHex(digest.digest()).equals(blob.digest().value())) {
            throw unusable("its file " + path + " is damaged: the digest is not the one that was registered");
        }
    }

    /** Why this version cannot be served. */
    public TidemillException unusable(String why) {
        return new TidemillException(
                ErrorCode.FAILED_PRECONDITION, "Model " + version.reference() + " cannot be served: " + why);
    }
}
