package dev.tidemill.platform.children;

import com.fasterxml.jackson.databind.JsonNode;

/** Tells a metric, then answers with the request. */
public final class EchoTask implements ChildTask {
    static final String NAME = "echo";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public JsonNode run(JsonNode request, Report report) {
        report.metric("echoed", 1, request.path("value").asDouble());
        return request;
    }
}
