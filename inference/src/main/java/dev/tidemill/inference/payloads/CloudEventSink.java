package dev.tidemill.inference.payloads;

import dev.tidemill.inference.domain.Payload;
import dev.tidemill.inference.domain.PayloadSink;
import dev.tidemill.inference.domain.Route;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.outbound.OutboundHttp;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Posts each request and each answer as a CloudEvent 1.0 in binary mode, with the types and attributes of KServe's logger, so
 * that whatever consumes that consumes this. Both have the same id. A receiver that fails is left alone for a while.
 */
public final class CloudEventSink implements PayloadSink {
    private static final Logger LOG = LoggerFactory.getLogger(CloudEventSink.class);
    private static final String REQUEST = "org.kubeflow.serving.inference.request";
    private static final String RESPONSE = "org.kubeflow.serving.inference.response";
    private static final Duration PAUSE = Duration.ofSeconds(5);

    private final URI address;
    private final String source;
    private final OutboundHttp http;
    private long notBefore = System.nanoTime();

    /**
     * @param address the operator's receiver, which may be an internal one
     * @param source URI reference of this server, as events name it
     */
    public CloudEventSink(URI address, String source) {
        this.address = address;
        this.source = source;
        int port =
                address.getPort() >= 0 ? address.getPort() : address.getScheme().equals("https") ? 443 : 80;
        this.http = new OutboundHttp(new Destinations(List.of(address.getHost() + ":" + port)));
    }

    @Override
    public String name() {
        return "http";
    }

    @Override
    public int deliver(List<Payload> payloads) {
        int taken = 0;
        for (Payload payload : payloads) {
            if (System.nanoTime() - notBefore < 0) {
                return taken;
            }
            if (!posted(payload, REQUEST, PayloadJson.request(payload))
                    || !posted(payload, RESPONSE, PayloadJson.response(payload))) {
                notBefore = System.nanoTime() + PAUSE.toNanos();
                return taken;
            }
            taken++;
        }
        return taken;
    }

    private boolean posted(Payload payload, String type, byte[] body) {
        try {
            int status = http.post(address, headers(payload, type), "application/json", body);
            if (status / 100 == 2) {
                return true;
            }
            LOG.warn("The receiver of payloads answers {}; it is left alone for {} s", status, PAUSE.toSeconds());
        } catch (TidemillException e) {
            LOG.warn("The receiver of payloads is left alone for {} s: {}", PAUSE.toSeconds(), e.getMessage());
        }
        return false;
    }

    private Map<String, String> headers(Payload payload, String type) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("ce-specversion", "1.0");
        headers.put("ce-id", ascii(payload.request().id()));
        headers.put("ce-type", type);
        headers.put("ce-source", source);
        headers.put("ce-time", payload.receivedAt().toString());
        headers.put("ce-recordedtime", Instant.now().toString());
        headers.put("ce-inferenceservicename", ascii(payload.name()));
        headers.put("ce-namespace", ascii(payload.project()));
        headers.put("ce-component", "predictor");
        headers.put("ce-endpoint", payload.route() == Route.CHALLENGER ? "canary" : "default");
        headers.put("ce-actor", ascii(payload.request().actor()));
        headers.put("ce-modelname", ascii(payload.model().model()));
        headers.put("ce-modelversion", Integer.toString(payload.model().version()));
        return headers;
    }

    /** Percent-encoded as the HTTP binding of CloudEvents asks: what is not printable ASCII, and quotes and percent signs. */
    private static String ascii(String text) {
        var encoded = new StringBuilder();
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            boolean plain = one > 0x20 && one < 0x7f && one != '"' && one != '%';
            encoded.append(plain ? Character.toString(one) : "%%%02X".formatted(one));
        }
        return encoded.toString();
    }

    @Override
    public void close() {
        http.close();
    }
}
