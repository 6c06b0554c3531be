package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.Module;
import java.time.Clock;
import java.util.List;
import java.util.stream.Stream;

/** Wires the protocols by which models are called; needs no database. */
public final class OipModule implements Module {
    private final Gateway gateway;
    private final Clock clock;
    private final ServerName server;

    public OipModule(Gateway gateway, Clock clock, ServerName server) {
        this.gateway = gateway;
        this.clock = clock;
        this.server = server;
    }

    @Override
    public List<Route> routes() {
        return Stream.of(
                        // Before the others: /v2/models/stats is no model's name.
                        new RepositoryRoutes(gateway).routes(),
                        new InferenceRoutes(gateway, clock, server).routes(),
                        new RowsRoutes(gateway, clock, server.version()).routes())
                .flatMap(List::stream)
                .toList();
    }

    @Override
    public List<GrpcMethod<?, ?>> methods() {
        return Stream.of(
                        new InferenceMethods(gateway, clock, server).methods(),
                        new RepositoryMethods(gateway).methods(),
                        new MlserverRepositoryMethods(gateway).methods())
                .<GrpcMethod<?, ?>>flatMap(List::stream)
                .toList();
    }
}
