package dev.tidemill.wires.otlp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;

/** A request of OpenTelemetry's protocol that is refused as MLflow's server refuses it: {@code {"detail": ...}}. */
final class OtlpRefusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final transient JsonNode detail;

    OtlpRefusal(int status, String detail) {
        this(status, new TextNode(detail));
    }

    OtlpRefusal(int status, JsonNode detail) {
        super(detail.asText());
        this.status = status;
        this.detail = detail;
    }

    int status() {
        return status;
    }

    JsonNode detail() {
        return detail;
    }
}
