package dev.tidemill.cli;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** A file on its way from one server to another: how much of it has come, and whether it was its source that failed. */
final class WatchedContent extends FilterInputStream {
    private long bytes;
    private @Nullable IOException failure;

    WatchedContent(InputStream content) {
        super(content);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        try {
            int read = super.read(into, offset, length);
            bytes += Math.max(0, read);
            return read;
        } catch (IOException e) {
            failure = e;
            throw e;
        }
    }

    /** How many bytes have come. */
    long bytes() {
        return bytes;
    }

    /** Why no more could be read; null if that did not happen. */
    @Nullable
    IOException failure() {
        return failure;
    }
}
