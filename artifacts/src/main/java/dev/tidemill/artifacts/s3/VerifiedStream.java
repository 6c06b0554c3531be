package dev.tidemill.artifacts.s3;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.DigestInputStream;
import java.util.HexFormat;
import software.amazon.awssdk.http.Abortable;

/** A blob's content that fails at its end if it is not what its digest says. Not thread-safe. */
final class VerifiedStream extends FilterInputStream {
    private final InputStream content;
    private final DigestInputStream digested;
    private final Digest digest;
    private final BucketPlace place;
    private boolean verified;

    VerifiedStream(InputStream content, Digest digest, BucketPlace place) {
        super(new DigestInputStream(content, Ids.sha256Digest()));
        this.content = content;
        this.digested = (DigestInputStream) in;
        this.digest = digest;
        this.place = place;
    }

    static TidemillException damaged(Digest digest, Digest found, BucketPlace place) {
        return new TidemillException(
                        ErrorCode.CHECK_FAILED,
                        "Blob " + digest + " is damaged: its object in " + place + " has the SHA-256 " + found)
                .remedy("Delete the object, and restore it from a backup or upload it again");
    }

    @Override
    public int read() throws IOException {
        return verified(in.read());
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
        return verified(in.read(target, from, length));
    }

    @Override
    public boolean markSupported() {
        return false;
    }

    /** What was not read is not fetched. */
    @Override
    public void close() throws IOException {
        if (!verified && content instanceof Abortable fetched) {
            fetched.abort();
        }
        in.close();
    }

    private int verified(int read) {
        if (read < 0 && !verified) {
            verified = true;
            var found = new Digest(
                    HexFormat.of().formatHex(digested.getMessageDigest().digest()));
            if (!found.equals(digest)) {
                throw damaged(digest, found, place);
            }
        }
        return read;
    }
}
