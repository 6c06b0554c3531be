package dev.tidemill.inference.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.FileAnswer;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What gateways without a database ask of the control plane: plans, models, who calls, and to keep their journals. */
public final class PlaneRoutes {
    private static final String PLANE = "/api/tidemill/v1/plane";
    private static final int LONGEST_WAIT = 30;

    private final Gateway gateway;
    private final ModelCatalog catalog;
    private final BlobStore blobs;
    private final PredictionSink sink;
    private final Authentication authentication;

    public PlaneRoutes(
            Gateway gateway,
            ModelCatalog catalog,
            BlobStore blobs,
            PredictionSink sink,
            Authentication authentication) {
        this.gateway = gateway;
        this.catalog = catalog;
        this.blobs = blobs;
        this.sink = sink;
        this.authentication = authentication;
    }

    public List<Route> routes() {
        var access = Access.server(Resource.INFERENCE, Action.OPERATE);
        return List.of(
                Route.get(PLANE + "/plans", access, this::plans).query("known", "wait"),
                Route.get(PLANE + "/models", access, this::models).query("project", "name", "version"),
                Route.file(PLANE + "/blobs/{digest}", access, this::blob),
                Route.post(PLANE + "/predictions", access, this::predictions).anyBody(),
                Route.post(PLANE + "/authentication", access, this::authenticate)
                        .fields("secret", "session"),
                Route.post(PLANE + "/role", access, this::role).fields("principal", "project"));
    }

    /** Answers at once if {@code known} is not the newest snapshot's version, else when a newer one comes or after {@code wait} s. */
    private void plans(Context context, Caller caller) throws InterruptedException {
        String known = Requests.text(context, "known").orElse("");
        long wait = Requests.number(context, "wait").orElse(0L);
        Duration atMost = Duration.ofSeconds(Math.max(0, Math.min(wait, LONGEST_WAIT)));
        context.json(PlaneJson.snapshot(gateway.awaitOtherThan(known, atMost)));
    }

    /** With {@code name} the one version that it stands for, if any; without, the newest of every model. */
    private void models(Context context, Caller caller) {
        String project = Requests.text(context, "project").orElse("default");
        List<ServedVersion> versions = Requests.text(context, "name")
                .map(name -> catalog.find(project, name, Requests.text(context, "version")).stream()
                        .toList())
                .orElseGet(() -> catalog.list(project));
        ObjectNode json = Json.object();
        json.set("versions", Json.tree(versions));
        context.json(json);
    }

    private FileAnswer blob(Context context, Caller caller) {
        var digest = new Digest(context.pathParam("digest"));
        long size = blobs.find(digest)
                .orElseThrow(() -> TidemillException.notFound("blob", digest))
                .size();
        return new FileAnswer(digest.value(), size, Optional.of(digest.value()), () -> blobs.open(digest));
    }

    /** A prediction that came before is left out, so a gateway may send a batch again. */
    private void predictions(Context context, Caller caller) {
        List<Prediction> batch = PlaneJson.predictions(RequestBody.read(context));
        context.json(PlaneJson.taken(sink.append(batch), batch));
    }

    private void authenticate(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        var credentials = new Authentication.Credentials(body.optionalText("secret"), body.flag("session"));
        context.json(PlaneJson.principal(authentication.authenticate(credentials)));
    }

    private void role(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        Principal principal = PlaneJson.principal(body.node())
                .orElseThrow(() -> TidemillException.invalid("principal", "'principal' is missing"));
        ObjectNode json = Json.object();
        Optional<String> role =
                authentication.role(principal, body.text("project")).map(Enum::name);
        json.put("role", role.orElse(null));
        context.json(json);
    }
}
