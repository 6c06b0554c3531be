package dev.tidemill.artifacts.api;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.domain.ProjectBlobs;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.FileAnswer;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Routes for blobs and folders. */
public final class ArtifactRoutes {
    private static final String BLOBS = "/api/tidemill/v1/projects/{project}/blobs";
    private static final String FOLDERS = "/api/tidemill/v1/projects/{project}/folders";

    private final BlobStore blobs;
    private final ProjectBlobs owned;
    private final ArtifactTree tree;
    private final long uploadLimit;

    public ArtifactRoutes(BlobStore blobs, ProjectBlobs owned, ArtifactTree tree, long uploadLimit) {
        this.tree = tree;
        this.blobs = blobs;
        this.owned = owned;
        this.uploadLimit = uploadLimit;
    }

    public List<Route> routes() {
        return List.of(
                Route.post(BLOBS, Access.project(Resource.ARTIFACT, Action.WRITE), this::upload)
                        .transfersFiles(),
                Route.file(BLOBS + "/{digest}", Access.project(Resource.ARTIFACT, Action.READ), this::blob),
                Route.get(FOLDERS + "/{digest}", Access.project(Resource.ARTIFACT, Action.READ), this::folder),
                Route.file(FOLDERS + "/{digest}/<path>", Access.project(Resource.ARTIFACT, Action.READ), this::file));
    }

    /** Streams the body into a blob; {@code X-Content-SHA256}, where given, must match what arrives. */
    private void upload(Context context, Caller caller) throws IOException {
        String expected = context.header("X-Content-SHA256");
        BlobStore.Blob blob = blobs.put(RequestBody.stream(context), uploadLimit);
        if (expected != null && !expected.equals(blob.digest().value())) {
            throw new TidemillException(
                            ErrorCode.CHECK_FAILED,
                            "The body has digest " + blob.digest() + ", the header says " + expected)
                    .remedy("Send it again; it was damaged on the way");
        }
        tree.take(caller.project(), blob.digest());
        context.status(201).json(blob);
    }

    private Digest visible(Context context, Caller caller) {
        var digest = new Digest(context.pathParam("digest"));
        if (!owned.contains(caller.project(), digest)) {
            throw TidemillException.notFound("blob", digest);
        }
        return digest;
    }

    private FileAnswer blob(Context context, Caller caller) {
        Digest digest = visible(context, caller);
        return answer(digest, digest.value());
    }

    private void folder(Context context, Caller caller) {
        Folder folder = Folder.load(blobs, visible(context, caller));
        context.json(Map.of(
                "digest",
                folder.digest(),
                "size",
                folder.size(),
                "files",
                folder.files().entrySet().stream()
                        .map(file -> Map.of(
                                "path", file.getKey(),
                                "digest", file.getValue().digest(),
                                "size", file.getValue().size()))
                        .toList()));
    }

    private FileAnswer file(Context context, Caller caller) {
        Folder folder = Folder.load(blobs, visible(context, caller));
        String path = context.pathParam("path");
        // A look-up in the manifest, not a path: nothing outside the folder can be named.
        // The file has to be the project's own: anybody can write a manifest.
        return answer(
                folder.file(path)
                        .map(BlobStore.Blob::digest)
                        .filter(digest -> owned.contains(caller.project(), digest))
                        .orElseThrow(() -> TidemillException.notFound("file", path)),
                path);
    }

    private FileAnswer answer(Digest digest, String name) {
        BlobStore.Blob blob = blobs.find(digest).orElseThrow(() -> TidemillException.notFound("blob", digest));
        return new FileAnswer(name, blob.size(), Optional.of(digest.value()), () -> blobs.open(digest));
    }
}
