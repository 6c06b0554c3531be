package dev.tidemill.wires.mlflow.artifacts;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.MultipartUploads;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.artifacts.domain.UploadStore.Upload;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/** Uploads in parts and links that need no credentials, as MLflow's clients ask for them; the parts and links are our own routes. */
public final class MlflowTransferRoutes {
    private static final Duration LINK_VALIDITY = Duration.ofMinutes(15);

    private final ArtifactTree tree;
    private final MultipartUploads uploads;
    private final SignedLinks links;
    private final long uploadLimit;

    public MlflowTransferRoutes(ArtifactTree tree, MultipartUploads uploads, SignedLinks links, long uploadLimit) {
        this.tree = tree;
        this.uploads = uploads;
        this.links = links;
        this.uploadLimit = uploadLimit;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.ARTIFACT, Action.READ);
        var write = Access.project(Resource.ARTIFACT, Action.WRITE);
        var routes = new ArrayList<Route>();
        for (String root : List.of("/api", "/ajax-api")) {
            String base = root + "/2.0/mlflow-artifacts";
            routes.add(MlflowWireRoutes.route(HandlerType.POST, base + "/mpu/create/<path>", write, this::create));
            routes.add(MlflowWireRoutes.route(HandlerType.POST, base + "/mpu/create", write, this::create));
            for (String path : List.of("", "/<path>")) {
                routes.add(
                        MlflowWireRoutes.route(HandlerType.POST, base + "/mpu/complete" + path, write, this::complete));
                routes.add(MlflowWireRoutes.route(HandlerType.POST, base + "/mpu/abort" + path, write, this::abort));
            }
            routes.add(MlflowWireRoutes.route(HandlerType.GET, base + "/presigned/<path>", read, this::presigned));
        }
        return routes;
    }

    private void create(Context context, Caller caller) {
        MlflowRequest request = MlflowRequest.of(context);
        // Clients send the whole path that the file has on their machine.
        String file = request.text("path").replace('\\', '/');
        String name = file.substring(file.lastIndexOf('/') + 1);
        String folder = context.pathParamMap().getOrDefault("path", "");
        long parts = request.optionalWhole("num_parts").orElse(1L);
        if (parts < 1 || parts > MultipartUploads.MOST_PARTS) {
            throw TidemillException.invalid(
                    "num_parts", "An upload has 1 to " + MultipartUploads.MOST_PARTS + " parts, not " + parts);
        }
        Upload upload = uploads.begin(caller.project(), folder.isEmpty() ? name : folder + "/" + name);
        ObjectNode json = Json.object().put("upload_id", upload.id());
        for (int number = 1; number <= parts; number++) {
            json.withArray("credentials")
                    .addObject()
                    .put("url", Requests.address(context) + "/api/tidemill/v1/parts/" + upload.id() + "/" + number)
                    .put("part_number", number)
                    .putObject("headers");
        }
        answer(context, json);
    }

    private static void answer(Context context, ObjectNode json) {
        context.result(Json.write(json)).contentType("application/json");
    }

    private void complete(Context context, Caller caller) throws IOException {
        MlflowRequest request = MlflowRequest.of(context);
        var expected = new HashMap<Integer, String>();
        for (MlflowRequest part : request.messages("parts")) {
            expected.put(
                    Math.toIntExact(part.whole("part_number")),
                    part.text("etag").replace("\"", ""));
        }
        if (expected.isEmpty()) {
            throw MlflowRequest.missing("parts");
        }
        uploads.complete(caller.project(), request.text("upload_id"), expected, uploadLimit);
        answer(context, Json.object());
    }

    private void abort(Context context, Caller caller) {
        uploads.abort(caller.project(), MlflowRequest.of(context).text("upload_id"));
        answer(context, Json.object());
    }

    private void presigned(Context context, Caller caller) {
        String path = context.pathParam("path");
        BlobStore.Blob blob =
                tree.find(caller.project(), path).orElseThrow(() -> TidemillException.notFound("artifact", path));
        ObjectNode json = Json.object()
                .put(
                        "url",
                        Requests.address(context)
                                + links.sign("GET", caller.project(), path, LINK_VALIDITY)
                                        .location());
        json.putObject("headers");
        answer(context, json.put("file_size", blob.size()));
    }
}
