package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import java.io.IOException;

/** Bodies of requests on paths where every microsecond counts. */
public final class RequestBody {
    /** Up to so many bytes are read in one go; below every limit on bodies. */
    private static final int SMALL = 16 * 1024;

    private RequestBody() {}

    /**
     * A request's body, as it was sent.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it breaks off
     */
    public static byte[] read(Context context) {
        int length = context.contentLength();
        if (length < 0 || length > SMALL) {
            return context.bodyAsBytes();
        }
        try {
            return context.bodyInputStream().readNBytes(length);
        } catch (IOException e) {
            throw TidemillException.invalid("body", "The body broke off: " + e.getMessage())
                    .causedBy(e);
        }
    }
}
