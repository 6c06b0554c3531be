package dev.tidemill.platform.outbound;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.util.Timeout;

/**
 * Sends requests to addresses that users gave. The address is resolved once, judged, and connected to; redirects are not
 * followed; what comes back is only a status. Thread-safe.
 */
public final class OutboundHttp implements AutoCloseable {
    private static final Timeout CONNECT = Timeout.ofSeconds(5);
    private static final Timeout RESPONSE = Timeout.ofSeconds(10);
    /** From the first byte that is sent to the answer's head, however slowly that comes. */
    private static final Duration DEADLINE = Duration.ofSeconds(30);

    private static final int MOST_CONNECTIONS = 200;
    private static final int MOST_TO_ONE_ADDRESS = 20;

    private final CloseableHttpClient client;
    private final ScheduledExecutorService deadlines = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("outbound-deadlines").factory());

    public OutboundHttp(Destinations destinations) {
        var connections = PoolingHttpClientConnectionManagerBuilder.create()
                .setDnsResolver(new JudgingResolver(destinations))
                .setDefaultConnectionConfig(ConnectionConfig.custom()
                        .setConnectTimeout(CONNECT)
                        .setSocketTimeout(RESPONSE)
                        .build())
                .setMaxConnTotal(MOST_CONNECTIONS)
                .setMaxConnPerRoute(MOST_TO_ONE_ADDRESS)
                .build();
        client = HttpClients.custom()
                .setConnectionManager(connections)
                .setDefaultRequestConfig(
                        RequestConfig.custom().setResponseTimeout(RESPONSE).build())
                .disableRedirectHandling()
                .disableAutomaticRetries()
                .disableCookieManagement()
                .disableContentCompression()
                .build();
    }

    /**
     * Posts the body.
     *
     * @return the status of the answer; its body is not read
     * @throws TidemillException {@code PERMISSION_DENIED} for an internal address, {@code UNAVAILABLE} if nobody answers
     */
    public int post(URI address, Map<String, String> headers, String contentType, byte[] body) {
        var request = new HttpPost(address);
        headers.forEach(request::setHeader);
        request.setEntity(new ByteArrayEntity(body, ContentType.parse(contentType)));
        var late = deadlines.schedule(request::abort, DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
        try {
            return client.execute(request, response -> {
                request.abort();
                return response.getCode();
            });
        } catch (IOException e) {
            if (e.getCause() instanceof TidemillException refusal) {
                throw refusal;
            }
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            address.getHost() + " did not answer: "
                                    + e.getClass().getSimpleName())
                    .causedBy(e);
        } finally {
            late.cancel(false);
        }
    }

    @Override
    public void close() {
        deadlines.shutdownNow();
        try {
            client.close();
        } catch (IOException e) {
            // the process is ending
        }
    }

    private record JudgingResolver(Destinations destinations) implements DnsResolver {
        @Override
        public InetAddress[] resolve(String host) throws UnknownHostException {
            return judged(host, -1);
        }

        @Override
        public java.util.List<java.net.InetSocketAddress> resolve(String host, int port) throws UnknownHostException {
            return java.util.Arrays.stream(judged(host, port))
                    .map(address -> new java.net.InetSocketAddress(address, port))
                    .toList();
        }

        private InetAddress[] judged(String host, int port) throws UnknownHostException {
            try {
                return destinations.resolve(host, port);
            } catch (TidemillException refusal) {
                var refused = new UnknownHostException(refusal.message());
                refused.initCause(refusal);
                throw refused;
            }
        }

        @Override
        public String resolveCanonicalHostname(String host) {
            return host;
        }
    }
}
