package dev.tidemill.inference.api;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/** The body of an inference request, unpacked. */
final class InferenceBody {
    /** Bytes that a packed body may unfold to. */
    private static final int MOST_UNPACKED = 64 * 1024 * 1024;

    private InferenceBody() {}

    /**
     * Unpacks it.
     *
     * @param encoding what {@code Content-Encoding} says; none for a body that is not packed
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is not packed as its header says, {@code TOO_LARGE} if it
     *     unfolds to more than is taken
     */
    static byte[] unpacked(byte[] sent, @Nullable String encoding) {
        if (encoding == null || encoding.isBlank() || encoding.equalsIgnoreCase("identity")) {
            return sent;
        }
        try (InputStream unpacked = stream(encoding.strip().toLowerCase(Locale.ROOT), sent)) {
            byte[] body = unpacked.readNBytes(MOST_UNPACKED + 1);
            if (body.length > MOST_UNPACKED) {
                throw new TidemillException(
                        ErrorCode.TOO_LARGE, "The body unfolds to more than " + MOST_UNPACKED + " bytes");
            }
            return body;
        } catch (IOException e) {
            throw TidemillException.invalid(
                    "Content-Encoding", "The body is not packed as '" + encoding + "' says: " + e.getMessage());
        }
    }

    /** What HTTP calls deflate is the zlib format (RFC 9110, 8.4.1.2). */
    private static InputStream stream(String encoding, byte[] sent) throws IOException {
        return switch (encoding) {
            case "gzip", "x-gzip" -> new GZIPInputStream(new ByteArrayInputStream(sent));
            case "deflate" -> new InflaterInputStream(new ByteArrayInputStream(sent));
            default ->
                throw TidemillException.invalid(
                        "Content-Encoding", "'" + encoding + "' is not taken; gzip, deflate and identity are");
        };
    }
}
