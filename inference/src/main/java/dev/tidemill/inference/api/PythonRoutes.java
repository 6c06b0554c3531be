package dev.tidemill.inference.api;

import dev.tidemill.inference.domain.ModelEnvironment;
import dev.tidemill.inference.domain.ModelEnvironments;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What runs Python models: how apart they are kept, and the environments on disk, in the making and failed. */
public final class PythonRoutes {
    private static final String PATH = "/api/tidemill/v1/python";

    private final ModelEnvironments python;

    public PythonRoutes(ModelEnvironments python) {
        this.python = python;
    }

    public List<Route> routes() {
        return List.of(
                Route.get(
                        PATH,
                        Access.server(Resource.SERVER, Action.READ),
                        (context, caller) -> context.json(
                                Map.of("isolation", python.isolation(), "environments", python.environments()))),
                Route.post(
                        PATH + "/environments/{environment}/retry",
                        Access.server(Resource.SERVER, Action.OPERATE),
                        (context, caller) -> retry(context)));
    }

    private void retry(Context context) {
        String id = context.pathParam("environment");
        if (!python.retry(id)) {
            throw TidemillException.notFound("build of an environment", id).remedy("GET " + PATH + " lists them");
        }
        context.json(Json.object().put("environment", id));
    }

    /** Number and bytes of environments in Prometheus' text format. */
    public static String metrics(ModelEnvironments python) {
        var counts = new TreeMap<String, Integer>();
        long bytes = 0;
        for (ModelEnvironment one : python.environments()) {
            counts.merge(one.state(), 1, Integer::sum);
            bytes += one.bytes();
        }
        var text = new StringBuilder();
        text.append("# HELP tidemill_python_environments Environments of Python models by state\n")
                .append("# TYPE tidemill_python_environments gauge\n");
        counts.putIfAbsent("ready", 0);
        counts.forEach((state, count) -> text.append("tidemill_python_environments{state=\"")
                .append(state)
                .append("\"} ")
                .append(count)
                .append('\n'));
        text.append("# HELP tidemill_python_environments_bytes Bytes of those on disk\n")
                .append("# TYPE tidemill_python_environments_bytes gauge\n")
                .append("tidemill_python_environments_bytes ")
                .append(bytes)
                .append('\n');
        return text.toString();
    }
}
