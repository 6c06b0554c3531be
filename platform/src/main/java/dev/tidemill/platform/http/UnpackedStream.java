package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.TidemillException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;
import org.eclipse.jetty.io.EofException;

/**
 * A packed body, unpacked while it is read. Throws {@code INVALID_ARGUMENT} where it is not packed as was said or ends too early;
 * a client who leaves in the middle remains an {@link IOException}. Not thread-safe.
 */
final class UnpackedStream extends InputStream {
    private final InputStream unpacked;
    private final String encoding;

    /** @throws TidemillException {@code INVALID_ARGUMENT} if nobody knows the packing, or the body does not begin as it does */
    UnpackedStream(String encoding, InputStream sent) throws IOException {
        this.unpacked = open(encoding, sent);
        this.encoding = encoding;
    }

    /** What HTTP calls deflate is the zlib format (RFC 9110, 8.4.1.2). */
    private static InputStream open(String encoding, InputStream sent) throws IOException {
        try {
            return switch (encoding.toLowerCase(Locale.ROOT)) {
                case "gzip", "x-gzip" -> new GZIPInputStream(sent);
                case "deflate" -> new InflaterInputStream(sent);
                default ->
                    throw TidemillException.invalid("Content-Encoding", "Unsupported Content-Encoding: " + encoding)
                            .remedy("Pack the body as gzip or deflate, or send it as it is");
            };
        } catch (ZipException | EOFException e) {
            throw refusal(encoding, e);
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        try {
            return unpacked.read(bytes, offset, length);
        } catch (ZipException | EOFException e) {
            throw refusal(encoding, e);
        }
    }

    @Override
    public void close() throws IOException {
        unpacked.close();
    }

    private static TidemillException refusal(String encoding, IOException e) throws IOException {
        // Jetty's: the connection ended, not the packing.
        if (e instanceof EofException left) {
            throw left;
        }
        return TidemillException.invalid(
                        "Content-Encoding", "The body is not packed as '" + encoding + "' says: " + e.getMessage())
                .causedBy(e);
    }
}
