package dev.tidemill.wires.mlflow.artifacts;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.FileAnswer;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** MLflow's artifact proxy: files go through this server, streamed. */
public final class MlflowArtifactRoutes {
    private static final String PATH = "/2.0/mlflow-artifacts/artifacts";

    private final ArtifactTree tree;
    private final long uploadLimit;

    public MlflowArtifactRoutes(ArtifactTree tree, long uploadLimit) {
        this.tree = tree;
        this.uploadLimit = uploadLimit;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.ARTIFACT, Action.READ);
        var write = Access.project(Resource.ARTIFACT, Action.WRITE);
        var routes = new ArrayList<Route>();
        for (String root : List.of("/api", "/ajax-api")) {
            String path = root + PATH;
            routes.add(MlflowWireRoutes.route(HandlerType.GET, path, read, this::list));
            routes.add(MlflowWireRoutes.file(path + "/<path>", read, this::file));
            routes.add(MlflowWireRoutes.route(HandlerType.PUT, path + "/<path>", write, this::upload)
                    .transfersFiles());
            routes.add(MlflowWireRoutes.route(HandlerType.DELETE, path + "/<path>", write, this::delete));
        }
        return routes;
    }

    private void list(Context context, Caller caller) {
        String path = context.queryParam("path");
        ObjectNode json = Json.object();
        ArrayNode files = json.putArray("files");
        for (FileStore.Entry entry : tree.list(caller.project(), path == null ? "" : path)) {
            ObjectNode file = files.addObject().put("path", entry.name()).put("is_dir", entry.folder());
            if (!entry.folder()) {
                file.put("file_size", entry.size());
            }
        }
        context.result(Json.write(json)).contentType("application/json");
    }

    private void upload(Context context, Caller caller) throws IOException {
        tree.put(caller.project(), context.pathParam("path"), RequestBody.stream(context), uploadLimit);
        context.result("{}").contentType("application/json");
    }

    private FileAnswer file(Context context, Caller caller) {
        String path = context.pathParam("path");
        BlobStore.Blob blob =
                tree.find(caller.project(), path).orElseThrow(() -> TidemillException.notFound("artifact", path));
        return new FileAnswer(path, blob.size(), Optional.of(blob.digest().value()), () -> tree.open(blob));
    }

    private void delete(Context context, Caller caller) {
        tree.delete(caller.project(), context.pathParam("path"));
        context.result("{}").contentType("application/json");
    }
}
