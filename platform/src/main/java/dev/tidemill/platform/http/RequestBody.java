package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.JsonWeight;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import io.javalin.http.Context;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Bodies of requests: read before the endpoint is called, unpacked as their headers say, and counted in the budget of bytes in
 * flight with what they will parse to.
 */
public final class RequestBody {
    /** Bytes that a packed body may unfold to. */
    public static final int MOST_UNPACKED = 64 * 1024 * 1024;

    private static final int PART = 64 * 1024;

    /** Up to so many bytes the most that JSON can parse to is reckoned with, since counting would cost more. */
    private static final int UNCOUNTED = 4 * 1024;

    private static final int MOST_PER_BYTE = 40;
    /** Nested messages of spans hold a map of attributes for a few bytes each. */
    private static final int PROTOBUF_PER_BYTE = 12;
    /** A tensor and what a runtime makes of it. */
    private static final int TENSOR_PER_BYTE = 2;

    private static final String HEADER_LENGTH = "Inference-Header-Content-Length";

    private RequestBody() {}

    /** A request's body, unpacked; empty if it has none. */
    public static byte[] read(Context context) {
        byte[] body = context.attribute(RequestReader.BODY);
        return body == null ? new byte[0] : body;
    }

    /**
     * Unpacks the body and takes from the budget what it will parse to.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is not packed as its header says, {@code TOO_LARGE} if it
     *     unfolds to more than is taken, {@code UNAVAILABLE} if the budget is spent
     */
    static void prepare(Context context, BodyRule rule, Reservation reservation) {
        byte[] sent = context.attribute(RequestReader.BODY);
        if (sent == null || sent.length == 0) {
            return;
        }
        String encoding = context.header("Content-Encoding");
        byte[] body = sent;
        if (encoding != null && !encoding.isBlank() && !encoding.strip().equalsIgnoreCase("identity")) {
            body = unpacked(sent, encoding.strip(), reservation);
            context.attribute(RequestReader.BODY, body);
        }
        reservation.take(weight(body, context, rule));
    }

    private static long weight(byte[] body, Context context, BodyRule rule) {
        if (body.length <= UNCOUNTED) {
            return (long) body.length * MOST_PER_BYTE;
        }
        int json = rule.tensors() ? jsonLength(context.header(HEADER_LENGTH), body.length) : body.length;
        long weight = JsonWeight.of(body, json) + (long) (body.length - json) * TENSOR_PER_BYTE;
        String type = context.contentType();
        return type != null && type.contains("protobuf")
                ? Math.max(weight, (long) body.length * PROTOBUF_PER_BYTE)
                : weight;
    }

    /** What the endpoint will refuse counts as JSON. */
    private static int jsonLength(@Nullable String header, int length) {
        return header != null && header.matches("\\d{1,9}") ? Math.min(length, Integer.parseInt(header)) : length;
    }

    private static byte[] unpacked(byte[] sent, String encoding, Reservation reservation) {
        byte[] body = {};
        int size = 0;
        try (InputStream stream = stream(encoding.toLowerCase(Locale.ROOT), sent)) {
            while (true) {
                if (size == body.length) {
                    int length = Math.max(PART, Math.min(2 * size, MOST_UNPACKED + 1));
                    reservation.take(length);
                    body = Arrays.copyOf(body, length);
                    reservation.give(size);
                }
                int more = stream.read(body, size, body.length - size);
                if (more < 0) {
                    return Arrays.copyOf(body, size);
                }
                size += more;
                if (size > MOST_UNPACKED) {
                    throw new TidemillException(
                            ErrorCode.TOO_LARGE, "The body unfolds to more than " + MOST_UNPACKED + " bytes");
                }
            }
        } catch (IOException e) {
            throw TidemillException.invalid(
                            "Content-Encoding", "The body is not packed as '" + encoding + "' says: " + e.getMessage())
                    .causedBy(e);
        }
    }

    /** What HTTP calls deflate is the zlib format (RFC 9110, 8.4.1.2). */
    private static InputStream stream(String encoding, byte[] sent) throws IOException {
        return switch (encoding) {
            case "gzip", "x-gzip" -> new GZIPInputStream(new ByteArrayInputStream(sent));
            case "deflate" -> new InflaterInputStream(new ByteArrayInputStream(sent));
            default ->
                throw TidemillException.invalid("Content-Encoding", "Unsupported Content-Encoding: " + encoding)
                        .remedy("Pack the body as gzip or deflate, or send it as it is");
        };
    }
}
