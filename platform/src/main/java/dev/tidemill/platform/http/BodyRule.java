package dev.tidemill.platform.http;

/**
 * How the bodies of a route's requests are read: whole, before a request gets a thread, and counted in the budget of bytes in
 * flight; or as a stream by the endpoint, which keeps nothing but its buffers.
 *
 * @param most bytes of a whole body, if the server's own limit is not lower
 * @param tensors whether bytes beyond {@code Inference-Header-Content-Length} are raw tensors and no JSON
 */
public record BodyRule(boolean stream, long most, boolean tensors) {
    public static BodyRule whole(long most) {
        return new BodyRule(false, most, false);
    }

    /** Read by the endpoint while it comes. */
    public static BodyRule streamed() {
        return new BodyRule(true, Long.MAX_VALUE, false);
    }

    /** JSON that raw tensors may follow. */
    public static BodyRule jsonAndTensors() {
        return new BodyRule(false, Long.MAX_VALUE, true);
    }
}
