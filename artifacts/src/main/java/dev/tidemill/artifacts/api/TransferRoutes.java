package dev.tidemill.artifacts.api;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.MultipartUploads;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.artifacts.domain.SignedLinks.Link;
import dev.tidemill.artifacts.domain.UploadStore.Part;
import dev.tidemill.artifacts.domain.UploadStore.Upload;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.FileAnswer;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Requests;
import dev.tidemill.platform.http.Route;
import io.javalin.http.Context;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Uploads in parts, and links that need no credentials. */
public final class TransferRoutes {
    private static final String UPLOADS = "/api/tidemill/v1/projects/{project}/uploads";
    private static final String LINKS = "/api/tidemill/v1/transfers/{project}/{expires}/{signature}/<path>";
    private static final String PARTS = "/api/tidemill/v1/parts/{upload}/{number}";
    private static final Duration LINK_VALIDITY = Duration.ofMinutes(15);

    private final ArtifactTree tree;
    private final MultipartUploads uploads;
    private final SignedLinks links;
    private final long uploadLimit;

    public TransferRoutes(ArtifactTree tree, MultipartUploads uploads, SignedLinks links, long uploadLimit) {
        this.tree = tree;
        this.uploads = uploads;
        this.links = links;
        this.uploadLimit = uploadLimit;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.ARTIFACT, Action.READ);
        var write = Access.project(Resource.ARTIFACT, Action.WRITE);
        return List.of(
                Route.post(UPLOADS, write, this::begin).fields("path"),
                Route.get(UPLOADS + "/{upload}", read, this::show),
                Route.put(UPLOADS + "/{upload}/parts/{number}", write, (context, caller) -> {
                            uploads.find(caller.project(), context.pathParam("upload"));
                            putPart(context);
                        })
                        .transfersFiles(),
                Route.post(
                        UPLOADS + "/{upload}/complete",
                        write,
                        (context, caller) -> context.json(uploads.complete(
                                caller.project(), context.pathParam("upload"), Map.of(), uploadLimit))),
                Route.delete(UPLOADS + "/{upload}", write, (context, caller) -> {
                    uploads.abort(caller.project(), context.pathParam("upload"));
                    context.status(204);
                }),
                // What these may be used for is signed into them, or known only to whom the upload's id was given.
                Route.file(LINKS, Access.open(), this::file),
                Route.put(LINKS, Access.open(), this::upload).transfersFiles(),
                Route.put(PARTS, Access.open(), (context, caller) -> putPart(context))
                        .transfersFiles());
    }

    private void begin(Context context, Caller caller) {
        Upload upload =
                uploads.begin(caller.project(), RequestBody.object(context).text("path"));
        context.status(201).json(Map.of("id", upload.id(), "path", upload.path()));
    }

    private void show(Context context, Caller caller) {
        Upload upload = uploads.find(caller.project(), context.pathParam("upload"));
        context.json(Map.of("id", upload.id(), "path", upload.path(), "parts", uploads.parts(upload)));
    }

    private void putPart(Context context) throws IOException {
        Part part = uploads.put(
                context.pathParam("upload"),
                Requests.positive(context, "number"),
                RequestBody.stream(context),
                uploadLimit);
        context.header("ETag", '"' + part.blob().digest().value() + '"').json(part);
    }

    private static Link link(Context context, String method) {
        String expires = context.pathParam("expires");
        if (!expires.matches("\\d{1,12}")) {
            throw TidemillException.invalid("expires", "'" + expires + "' is not a time in seconds");
        }
        return new Link(
                method,
                context.pathParam("project"),
                context.pathParam("path"),
                Long.parseLong(expires),
                context.pathParam("signature"));
    }

    private FileAnswer file(Context context, Caller caller) {
        Link link = link(context, "GET");
        links.verify(link);
        BlobStore.Blob blob = tree.find(link.project(), link.path())
                .orElseThrow(() -> TidemillException.notFound("artifact", link.path()));
        return new FileAnswer(
                link.path(), blob.size(), Optional.of(blob.digest().value()), () -> tree.open(blob));
    }

    private void upload(Context context, Caller caller) throws IOException {
        Link link = link(context, "PUT");
        links.verify(link);
        BlobStore.Blob blob = tree.put(link.project(), link.path(), RequestBody.stream(context), uploadLimit);
        context.header("ETag", '"' + blob.digest().value() + '"').json(blob);
    }
}
