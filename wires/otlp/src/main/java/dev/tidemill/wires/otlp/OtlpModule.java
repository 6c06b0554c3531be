package dev.tidemill.wires.otlp;

import dev.tidemill.platform.http.ErrorStyle;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.tracking.domain.Traces;
import java.util.List;

/** Wires OpenTelemetry's protocol. */
public final class OtlpModule implements Module {
    /** Most bytes of spans in one request, once they are unpacked. */
    private static final int MOST_SPANS = 64 * 1024 * 1024;

    private final OtlpRoutes routes;

    /** @param errors how everything is refused that the protocol has no form for */
    public OtlpModule(Traces traces, ErrorStyle errors) {
        this.routes = new OtlpRoutes(traces, MOST_SPANS, errors);
    }

    @Override
    public List<Route> routes() {
        return routes.routes();
    }
}
