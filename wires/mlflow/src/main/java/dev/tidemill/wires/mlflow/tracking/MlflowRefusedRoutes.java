package dev.tidemill.wires.mlflow.tracking;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import io.javalin.http.HandlerType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Parts of MLflow's server that this one does not have: asked for, they say so. */
public final class MlflowRefusedRoutes {
    private static final Map<String, String> REFUSED = Map.of(
            "/3.0/mlflow/gateway/<rest>", "MLflow's AI gateway",
            "/2.0/mlflow/gateway-proxy", "MLflow's AI gateway",
            "/3.0/mlflow/review-queues/<rest>", "MLflow's review queues",
            "/3.0/mlflow/label-schemas/<rest>", "MLflow's label schemas",
            "/3.0/mlflow/issues/<rest>", "MLflow's issues",
            "/3.0/mlflow/prompt-optimization/<rest>", "MLflow's prompt optimization",
            "/3.0/mlflow/jobs/<rest>", "MLflow's jobs");

    private MlflowRefusedRoutes() {}

    public static List<Route> routes() {
        var access = Access.project(Resource.EXPERIMENT, Action.READ);
        var routes = new ArrayList<Route>();
        REFUSED.forEach((path, what) -> {
            for (String root : List.of("/api", "/ajax-api")) {
                for (HandlerType method :
                        List.of(HandlerType.GET, HandlerType.POST, HandlerType.PATCH, HandlerType.DELETE)) {
                    routes.add(MlflowWireRoutes.route(method, root + path, access, (context, caller) -> refuse(what)));
                }
            }
        });
        routes.add(MlflowWireRoutes.route(
                HandlerType.POST, "/graphql", access, (context, caller) -> refuse("MLflow's GraphQL")));
        return routes;
    }

    private static void refuse(String what) {
        throw new TidemillException(ErrorCode.NOT_SUPPORTED, what + " is not offered by Tidemill")
                .remedy("docs/mlflow.md says what is");
    }
}
