package dev.tidemill.wires.mlflow.tracking;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.RunId;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Links by which a client sends or fetches one artifact of a run without credentials. */
public final class MlflowPresignedRoutes {
    private static final long VALIDITY_SECONDS = 900;

    private final Tracking tracking;
    private final ArtifactTree tree;
    private final LocatedFiles files;
    private final SignedLinks links;

    public MlflowPresignedRoutes(Tracking tracking, ArtifactTree tree, LocatedFiles files, SignedLinks links) {
        this.tracking = tracking;
        this.tree = tree;
        this.files = files;
        this.links = links;
    }

    public List<Route> routes() {
        var routes = new ArrayList<Route>();
        for (String root : List.of("/api", "/ajax-api")) {
            String base = root + "/2.0/mlflow/artifacts";
            routes.add(MlflowWireRoutes.route(
                    HandlerType.POST,
                    base + "/presigned-upload-url",
                    Access.project(Resource.EXPERIMENT, Action.WRITE),
                    (context, caller) -> sign(context, caller, "PUT")));
            routes.add(MlflowWireRoutes.route(
                    HandlerType.POST,
                    base + "/presigned-download-url",
                    Access.project(Resource.EXPERIMENT, Action.READ),
                    (context, caller) -> sign(context, caller, "GET")));
        }
        return routes;
    }

    private void sign(Context context, Caller caller, String method) {
        MlflowRequest request = MlflowRequest.of(context);
        String root = tracking.info(caller.project(), new RunId(request.text("run_id")))
                .artifacts();
        String path = ArtifactLocations.requireInside("path", request.text("path"));
        String own = files.own(root)
                .orElseThrow(() ->
                        TidemillException.invalid("run_id", "The run keeps its artifacts at " + root + ", not here"));
        String full = own + "/" + path;
        Duration validity =
                Duration.ofSeconds(request.optionalWhole("expiration").orElse(VALIDITY_SECONDS));
        ObjectNode json = Json.object()
                .put(
                        "presigned_url",
                        Requests.address(context)
                                + links.sign(method, caller.project(), full, validity)
                                        .location());
        json.putObject("headers");
        if (method.equals("GET")) {
            Optional.of(full)
                    .flatMap(file -> tree.find(caller.project(), file))
                    .ifPresentOrElse(blob -> json.put("file_size", blob.size()), () -> {
                        throw TidemillException.notFound("artifact", path);
                    });
        }
        context.result(Json.write(json)).contentType("application/json");
    }
}
