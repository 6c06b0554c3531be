package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.RefusalJournal;
import dev.tidemill.platform.auth.TlsFiles;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import dev.tidemill.platform.load.OpenConnections;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.platform.telemetry.Telemetry;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.javalin.json.JavalinJackson;
import java.io.ByteArrayInputStream;
import java.net.BindException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** Serves the route manifest over HTTP. */
public final class WebServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WebServer.class);
    private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9_.:-]{1,100}");
    private static final Duration IDLE = Duration.ofSeconds(60);
    private static final int HEADER_BYTES = 16 * 1024;
    private static final int FEWEST_THREADS = 8;
    /** How long requests that are under way may take to end once the server stops. */
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(2);
    /** Beside the places of all lanes: threads that read and write for those who wait. */
    private static final int IO_THREADS = 32;

    /**
     * @param host address to listen on
     * @param port port to listen on; 0 picks a free one
     * @param hosts names under which it may be addressed
     * @param maxBody most bytes of a body that is read into memory
     * @param leastPerSecond bytes of a body that must come in a second
     * @param connectionsOfOne connections of one address at a time
     * @param proxies whose word for whom they ask is taken
     * @param tls with it nothing is answered without TLS
     */
    public record Settings(
            String host,
            int port,
            AllowedHosts hosts,
            long maxBody,
            long leastPerSecond,
            int connectionsOfOne,
            TrustedProxies proxies,
            Optional<TlsFiles> tls) {}

    private final Settings settings;
    private final RouteManifest manifest;
    private final Gate gate;
    private final Telemetry telemetry;
    private final RefusalJournal refusals;
    private final QueuedThreadPool threads = threads();
    private final SlowClients slow;
    private final ConnectionBound connections;
    private final RequestReader reader;
    private final Javalin javalin;

    public WebServer(
            Settings settings,
            RouteManifest manifest,
            Admission admission,
            Telemetry telemetry,
            RefusalJournal refusals,
            BytesInFlight budget) {
        this.settings = settings;
        this.manifest = manifest;
        this.gate = new Gate(admission, settings.hosts());
        this.telemetry = telemetry;
        this.refusals = refusals;
        this.slow = new SlowClients(settings.leastPerSecond());
        int files = OpenConnections.mostFiles();
        this.connections = new ConnectionBound(
                new OpenConnections(Math.min(settings.connectionsOfOne(), files / 4), files / 2), settings.proxies());
        this.reader = new RequestReader(manifest, settings.maxBody(), budget, slow, gate::isKnown, threads);
        this.javalin = Javalin.create(this::configure);
        telemetry.gauge("tidemill.http.threads.busy", "Requests under way", threads::getUtilizedThreads);
        telemetry.gauge(
                "tidemill.http.requests.waiting",
                "Requests that wait for a thread",
                () -> threads.getQueueSize() + reader.waiting());
        telemetry.gauge(
                "tidemill.http.bodies.too.slow", "Requests ended since their body came too slowly", slow::ended);
        telemetry.gauge(
                "tidemill.http.connections.refused",
                "Connections beyond one address's share, or beyond those of all",
                connections::refused);
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.jetty.threadPool = threads;
        config.http.maxRequestSize = settings.maxBody();
        config.http.prefer405over404 = true;
        config.http.asyncTimeout = 0;
        config.jsonMapper(new JavalinJackson(Json.objectMapper(), true));
        config.jetty.modifyHttpConfiguration(http -> {
            http.setSendServerVersion(false);
            http.setRequestHeaderSize(HEADER_BYTES);
            http.setIdleTimeout(IDLE.toMillis());
            http.addCustomizer(new ForwardedClient(settings.proxies()));
            http.addCustomizer(new StatedMethod());
        });
        config.jetty.addConnector(this::connector);
        config.jetty.modifyServer(server -> {
            server.setStopTimeout(STOP_PATIENCE.toMillis());
            server.setHandler(reader);
        });
        for (Route route : manifest.routes()) {
            config.routes.addHttpHandler(route.method(), route.path(), context -> serve(route, context));
            if (route.method() == HandlerType.GET) {
                // Else the framework answers it by itself, to anybody.
                config.routes.addHttpHandler(HandlerType.HEAD, route.path(), context -> serve(route, context));
            }
        }
        config.routes.error(404, context -> unmatched(context, ErrorCode.NOT_FOUND));
        config.routes.error(405, context -> unmatched(context, ErrorCode.METHOD_NOT_ALLOWED));
    }

    /**
     * Threads of the system, which takes the processors from one that computes for long. Virtual threads keep theirs until they
     * wait, so that a caller with many requests starved all others (ADR 13).
     */
    private static QueuedThreadPool threads() {
        int places = Arrays.stream(Lane.values()).mapToInt(Lane::places).sum();
        var threads = new QueuedThreadPool(places + IO_THREADS, FEWEST_THREADS);
        threads.setName("http");
        return threads;
    }

    private ServerConnector connector(Server server, HttpConfiguration http) {
        var connector = settings.tls()
                .map(files -> secure(files, server, http))
                .orElseGet(() -> new ServerConnector(server, new HttpConnectionFactory(http)));
        connector.setHost(settings.host());
        connector.setPort(settings.port());
        connector.addBean(connections);
        return connector;
    }

    private static ServerConnector secure(TlsFiles files, Server server, HttpConfiguration http) {
        var context = new SslContextFactory.Server();
        context.setKeyStore(files.keyStore());
        context.setKeyStorePassword(TlsFiles.PASSWORD);
        context.setIncludeProtocols("TLSv1.3", "TLSv1.2");
        var customizer = new SecureRequestCustomizer();
        // Which names are served is for the gate to say, with an answer that says so.
        customizer.setSniHostCheck(false);
        http.addCustomizer(customizer);
        return new ServerConnector(server, context, new HttpConnectionFactory(http));
    }

    /**
     * Starts listening.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if the port is taken
     */
    public WebServer start() {
        try {
            javalin.start();
        } catch (RuntimeException e) {
            if (hasCause(e, BindException.class)) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "Port " + settings.port() + " on " + settings.host() + " is taken by another process")
                        .at("port")
                        .remedy("Stop that process, or choose another port with --port (0 picks a free one)")
                        .causedBy(e);
            }
            throw e;
        }
        return this;
    }

    public int port() {
        return javalin.port();
    }

    public RouteManifest manifest() {
        return manifest;
    }

    private void serve(Route route, Context context) {
        long started = System.nanoTime();
        String requestId = requestId(context);
        context.attribute("handled", true);
        context.header("X-Request-Id", requestId);
        context.header("X-Content-Type-Options", "nosniff");
        context.header("X-Frame-Options", "DENY");
        context.header("Referrer-Policy", "no-referrer");
        MDC.put("request", requestId);
        var span = telemetry.startRequest(route.signature(), context.header("traceparent"));
        Caller caller = null;
        try {
            requireStorable(context);
            caller = gate.admit(route, context);
            answer(route, context, caller);
        } catch (Exception | LinkageError | StackOverflowError | AssertionError e) {
            fail(route, context, caller, requestId, e);
        } finally {
            span.end(context.statusCode());
            telemetry.requestServed(route.signature(), context.statusCode(), System.nanoTime() - started);
            MDC.remove("request");
        }
    }

    /** What stands in the address is looked up and kept as texts. */
    private static void requireStorable(Context context) {
        context.pathParamMap().forEach((name, value) -> StorableText.require("'" + name + "' of the path", value));
        if (context.queryString() != null) {
            context.queryParamMap().forEach((name, values) -> {
                StorableText.require("A name of the query", name);
                values.forEach(value -> StorableText.require("'" + name + "' of the query", value));
            });
        }
    }

    private static void answer(Route route, Context context, Caller caller) throws Exception {
        TidemillException refusal = context.attribute(RequestReader.REFUSAL);
        if (refusal != null) {
            throw refusal;
        }
        Reservation reservation = Objects.requireNonNull(context.attribute(RequestReader.RESERVATION));
        if (!(route.access() instanceof Access.Open)) {
            reservation.countTo(caller.share());
        }
        RequestBody.prepare(context, route.body(), reservation);
        RequestMemory.of(reservation, () -> {
            route.inputs().require(context);
            route.endpoint().handle(context, caller);
            return route;
        });
        if (context.resultInputStream() instanceof ByteArrayInputStream result) {
            reservation.charge(result.available());
        }
    }

    private void fail(
            Route route,
            Context context,
            @org.jspecify.annotations.Nullable Caller caller,
            String requestId,
            Throwable failure) {
        if (AnswerBody.isBegun(context)) {
            abort(route, context, failure);
            return;
        }
        clear(context);
        TidemillException error = coded(failure);
        if (error.code() == ErrorCode.INTERNAL) {
            LOG.error("{} failed", route.signature(), failure);
        } else {
            LOG.debug("{} refused: {} {}", route.signature(), error.code(), error.message());
        }
        if (error.code().httpStatus() == 401 || error.code().httpStatus() == 403) {
            String actor = caller == null ? gate.actor(context) : caller.actor();
            refusals.record(new RefusalJournal.Refusal(
                    actor, context.ip(), context.method().name(), context.path(), error.code()));
        }
        if (error.code() == ErrorCode.UNAUTHENTICATED) {
            context.header("WWW-Authenticate", "Bearer");
        }
        if (error.code() == ErrorCode.UNAVAILABLE || error.code() == ErrorCode.RATE_LIMITED) {
            context.header(
                    "Retry-After", String.valueOf(Math.max(1, error.retryAfter().toSeconds())));
        }
        route.errors().write(context, error, requestId);
    }

    /** Ends the connection of an answer that cannot be completed, so that its client does not take what has come for all of it. */
    private static void abort(Route route, Context context, Throwable failure) {
        if (hasCause(failure, EofException.class)
                || hasCause(failure, ClosedChannelException.class)
                || failure instanceof InterruptedException) {
            LOG.debug("The client of {} went away: {}", route.signature(), failure.toString());
        } else {
            LOG.warn("{} failed in the midst of its answer; the connection is ended", route.signature(), failure);
        }
        ClientConnection.sever(context, failure);
    }

    /** Takes back what was said of an answer that is replaced by an error. */
    private static void clear(Context context) {
        context.res().resetBuffer();
        for (String header : List.of("Content-Length", "Content-Disposition", "ETag", "Accept-Ranges")) {
            context.res().setHeader(header, null);
        }
    }

    /** What a failure is answered with. */
    static TidemillException coded(Throwable failure) {
        return switch (failure) {
            case TidemillException coded -> coded;
            // Who has left hears nothing of it; who has only ended its half of the connection must not take it for
            // done.
            case Throwable left
            when hasCause(left, EofException.class) ->
                new TidemillException(ErrorCode.INVALID_ARGUMENT, "The connection ended before the whole body had come")
                        .remedy("Send it again")
                        .causedBy(failure);
            case io.javalin.http.HttpResponseException http
            when http.getStatus() == 413 ->
                new TidemillException(ErrorCode.TOO_LARGE, "The body is larger than this route takes")
                        .causedBy(failure);
            case io.javalin.http.HttpResponseException http
            when http.getStatus() < 500 ->
                new TidemillException(ErrorCode.INVALID_ARGUMENT, String.valueOf(http.getMessage())).causedBy(failure);
            // Jetty looks the character set up whenever it is asked for the content type.
            case UnsupportedCharsetException charset ->
                TidemillException.invalid(
                                "Content-Type", "The character set " + charset.getCharsetName() + " is not supported")
                        .remedy("Send UTF-8")
                        .causedBy(failure);
            case IllegalCharsetNameException charset ->
                TidemillException.invalid(
                                "Content-Type", "The character set " + charset.getCharsetName() + " does not exist")
                        .remedy("Send UTF-8")
                        .causedBy(failure);
            default ->
                new TidemillException(ErrorCode.INTERNAL, "Something went wrong on the server")
                        .remedy("Look in the server's log for the request id")
                        .causedBy(failure);
        };
    }

    private static void unmatched(Context context, ErrorCode code) {
        if (context.attribute("handled") == null) {
            var error = new TidemillException(code, "Nothing is served at " + context.method() + " " + context.path());
            ErrorStyle.PROBLEM.write(context, error, requestId(context));
        }
    }

    private static String requestId(Context context) {
        String given = context.header("X-Request-Id");
        return given != null && REQUEST_ID.matcher(given).matches() ? given : Ids.next();
    }

    private static boolean hasCause(Throwable failure, Class<? extends Throwable> type) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (type.isInstance(t)) {
                return true;
            }
        }
        return false;
    }

    /** Ends requests that are under way after a patience of two seconds, and never fails for them. */
    @Override
    public void close() {
        var server = javalin.jettyServer().server();
        for (var connector : server.getConnectors()) {
            if (connector instanceof ServerConnector serverConnector) {
                serverConnector.setShutdownIdleTimeout(500);
            }
        }
        try {
            // Not by the framework, which logs it as an error if a single client waits longer.
            server.stop();
        } catch (TimeoutException e) {
            // All is stopped nevertheless: Jetty tells afterwards for whom it waited in vain.
            LOG.info("Requests that did not end within {} s were ended", STOP_PATIENCE.toSeconds());
        } catch (Exception e) {
            throw new IllegalStateException("The web server did not stop", e);
        } finally {
            slow.close();
        }
    }
}
