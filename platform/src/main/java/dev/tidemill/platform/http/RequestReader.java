package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Stands before the web framework: reads bodies before a request gets a thread, so that a client who sends slowly holds none,
 * within the route's limit and the budget of bytes in flight, and then waits for a place in the route's lane. Who sends more
 * than {@value #STRANGERS} bytes must be known. A request that is refused goes on with the refusal as an attribute, so that
 * it is answered in its protocol's words.
 */
final class RequestReader extends Handler.Wrapper {
    /** Attributes of a request: its {@link Reservation}, a {@link TidemillException}, its body. */
    static final String RESERVATION = "tidemill.reservation";

    static final String REFUSAL = "tidemill.refusal";
    static final String BODY = "tidemill.body";

    private static final int STRANGERS = 64 * 1024;
    private static final int FIRST = 8 * 1024;

    /** So much of a refused body is read all the same: most clients read an answer only once they have sent everything. */
    private static final long MOST_DRAINED = 64L * 1024 * 1024;

    private final RouteIndex routes;
    private final long maxBody;
    private final BytesInFlight budget;
    private final SlowClients slow;
    private final Predicate<Request> known;
    private final Executor threads;
    private final Map<Lane, Places> lanes = new EnumMap<>(Lane.class);

    RequestReader(
            RouteManifest manifest,
            long maxBody,
            BytesInFlight budget,
            SlowClients slow,
            Predicate<Request> known,
            Executor threads) {
        this.routes = new RouteIndex(manifest.routes());
        this.maxBody = maxBody;
        this.budget = budget;
        this.slow = slow;
        this.known = known;
        this.threads = threads;
        for (Lane lane : Lane.values()) {
            lanes.put(lane, new Places(lane.places(), threads));
        }
    }

    /** Requests that wait for a place. */
    int waiting() {
        return lanes.values().stream().mapToInt(Places::waiting).sum();
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
        Reservation reservation = budget.open(Request.getRemoteAddr(request));
        request.setAttribute(RESERVATION, reservation);
        Request.addCompletionListener(request, failure -> reservation.close());
        Optional<Route> route = routes.find(
                request.getMethod(), String.valueOf(request.getHttpURI().getPath()));
        Lane lane = route.map(Route::lane).orElse(Lane.REQUESTS);
        if (route.isEmpty() || !hasBody(request)) {
            pass(lane, request, response, callback);
        } else if (route.get().body().stream()) {
            pass(lane, new MeteredRequest(request), response, callback);
        } else {
            new Loading(route.get(), request, response, callback, reservation).start();
        }
        return true;
    }

    private static boolean hasBody(Request request) {
        return request.getLength() > 0 || request.getHeaders().contains(HttpHeader.TRANSFER_ENCODING);
    }

    private void pass(Lane lane, Request request, Response response, Callback callback) {
        places(lane).run(() -> {
            try {
                if (!super.handle(request, response, callback)) {
                    Response.writeError(request, response, callback, 404);
                }
            } catch (Exception | LinkageError | AssertionError e) {
                Response.writeError(request, response, callback, e);
            }
        });
    }

    private Places places(Lane lane) {
        return java.util.Objects.requireNonNull(lanes.get(lane));
    }

    /** A body on its way into memory. Its steps follow one another, on whatever thread the next bytes are announced. */
    private final class Loading implements Runnable {
        private final Route route;
        private final Request request;
        private final Response response;
        private final Callback callback;
        private final Reservation reservation;
        private final long most;
        private final AtomicBoolean over = new AtomicBoolean();
        private byte[] bytes = {};
        private int size;
        private long drained;
        private boolean stranger = true;
        private @Nullable TidemillException refusal;
        private SlowClients.@Nullable Watch watch;

        private Loading(Route route, Request request, Response response, Callback callback, Reservation reservation) {
            this.route = route;
            this.request = request;
            this.response = response;
            this.callback = callback;
            this.reservation = reservation;
            this.most = Math.min(route.body().most(), maxBody);
        }

        private void start() {
            if (request.getLength() > most) {
                refusal = tooLarge();
                if (request.getHeaders().contains(HttpHeader.EXPECT) || request.getLength() > MOST_DRAINED) {
                    finish();
                    return;
                }
            }
            run();
        }

        private TidemillException tooLarge() {
            return new TidemillException(
                            ErrorCode.TOO_LARGE, "The body is larger than the " + most + " bytes that this route takes")
                    .remedy(
                            most == maxBody
                                    ? "Send less at once, or raise the setting 'http.max-body-megabytes'"
                                    : "Send less");
        }

        @Override
        public void run() {
            while (!over.get()) {
                Content.Chunk chunk = request.read();
                if (chunk == null) {
                    awaitMore();
                    return;
                }
                if (Content.Chunk.isFailure(chunk)) {
                    if (end()) {
                        callback.failed(chunk.getFailure());
                    }
                    return;
                }
                boolean last = chunk.isLast();
                boolean goesOn;
                try {
                    goesOn = take(chunk.getByteBuffer());
                } catch (RuntimeException | Error e) {
                    // Nobody is above this thread to answer; what is thrown is the answer.
                    refuse(WebServer.coded(e));
                    goesOn = true;
                } finally {
                    chunk.release();
                }
                if (last || !goesOn) {
                    finish();
                    return;
                }
            }
        }

        private void awaitMore() {
            SlowClients.Watch watched = watch;
            if (watched == null) {
                watched = slow.watch(this::giveUp);
                watch = watched;
            }
            watched.waits();
            request.demand(this);
        }

        /** Keeps what came; false if no more of it is wanted. */
        private boolean take(ByteBuffer part) {
            int more = part.remaining();
            if (watch != null) {
                watch.came(more);
            }
            if (refusal == null && (long) size + more > most) {
                refuse(tooLarge());
            }
            if (refusal == null && size + more > bytes.length && !grow(size + more)) {
                return false;
            }
            if (refusal != null) {
                drained += more;
                return drained < MOST_DRAINED;
            }
            part.get(bytes, size, more);
            size += more;
            return true;
        }

        /** Keeps nothing of the body; what is still to come is read without being kept. */
        private void refuse(TidemillException why) {
            refusal = why;
            reservation.give(bytes.length);
            bytes = new byte[0];
            size = 0;
        }

        /**
         * Makes room; false if a stranger sends so much.
         *
         * @throws TidemillException if it cannot be told now who sends
         */
        private boolean grow(int needed) {
            long declared = request.getLength();
            long end = declared >= 0 ? declared : most;
            int length = (int) Math.max(needed, Math.min(end, Math.max(FIRST, 2L * bytes.length)));
            if (length > STRANGERS && stranger && !(route.access() instanceof Access.Open)) {
                stranger = !known.test(request);
                if (stranger) {
                    refuse(Admission.unauthenticated());
                    return false;
                }
            }
            if (!reservation.tryTake(length)) {
                refuse(reservation.refusal(length));
                return true;
            }
            int before = bytes.length;
            bytes = Arrays.copyOf(bytes, length);
            reservation.give(before);
            return true;
        }

        private boolean end() {
            if (watch != null) {
                watch.close();
            }
            return over.compareAndSet(false, true);
        }

        private void finish() {
            if (end()) {
                goOn(
                        refusal,
                        refusal == null ? size == bytes.length ? bytes : Arrays.copyOf(bytes, size) : new byte[0]);
            }
        }

        private void giveUp() {
            if (end()) {
                var late = new TidemillException(
                                ErrorCode.TOO_SLOW,
                                "Less of the body came within " + SlowClients.STRETCH.toSeconds()
                                        + " s than the least rate asks")
                        .remedy("Send faster; the operator sets the rate by 'http.least-bytes-per-second'");
                threads.execute(() -> goOn(late, new byte[0]));
            }
        }

        private void goOn(@Nullable TidemillException why, byte[] body) {
            if (why != null) {
                request.setAttribute(REFUSAL, why);
            }
            request.setAttribute(BODY, body);
            pass(route.lane(), new LoadedRequest(request, body), response, callback);
        }
    }

    /** A request whose body is in memory. */
    private static final class LoadedRequest extends Request.Wrapper {
        private final byte[] body;
        private boolean read;

        private LoadedRequest(Request request, byte[] body) {
            super(request);
            this.body = body;
        }

        @Override
        public long getLength() {
            return body.length;
        }

        @Override
        public Content.Chunk read() {
            if (read || body.length == 0) {
                return Content.Chunk.EOF;
            }
            read = true;
            return Content.Chunk.from(ByteBuffer.wrap(body), true);
        }

        @Override
        public void demand(Runnable ready) {
            ready.run();
        }
    }

    /** A request whose body the endpoint reads; one that comes too slowly loses its connection. */
    private final class MeteredRequest extends Request.Wrapper {
        private final SlowClients.Watch watch;

        private MeteredRequest(Request request) {
            super(request);
            watch = slow.watch(() -> request.getConnectionMetaData()
                    .getConnection()
                    .getEndPoint()
                    .close(new TimeoutException("the body came too slowly")));
            Request.addCompletionListener(request, failure -> watch.close());
        }

        @Override
        public Content.@Nullable Chunk read() {
            Content.Chunk chunk = super.read();
            if (chunk != null) {
                watch.came(chunk.remaining());
            }
            return chunk;
        }

        @Override
        public void demand(Runnable ready) {
            watch.waits();
            super.demand(ready);
        }
    }
}
