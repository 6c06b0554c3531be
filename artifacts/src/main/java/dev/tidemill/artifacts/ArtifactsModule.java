package dev.tidemill.artifacts;

import dev.tidemill.artifacts.api.ArtifactRoutes;
import dev.tidemill.artifacts.api.CollectionRoutes;
import dev.tidemill.artifacts.api.MlflowArtifactRoutes;
import dev.tidemill.artifacts.api.TransferRoutes;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobCollector;
import dev.tidemill.artifacts.domain.BlobReferences;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.MultipartUploads;
import dev.tidemill.artifacts.domain.ProjectBlobs;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.store.SqlBlobReferences;
import dev.tidemill.artifacts.store.SqlFileStore;
import dev.tidemill.artifacts.store.SqlProjectBlobs;
import dev.tidemill.artifacts.store.SqlUploadStore;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.sql.Database;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** Wires artifacts. */
public final class ArtifactsModule {
    private final BlobStore blobs;
    private final ProjectBlobs projectBlobs;
    private final long uploadLimit;
    private final ArtifactTree tree;
    private final MultipartUploads uploads;
    private final SignedLinks links;
    private final BlobCollector collector;

    /**
     * @param uploadLimit most bytes of one upload
     * @param columns of other modules that hold digests of blobs
     */
    public ArtifactsModule(
            Database database, Path folder, long uploadLimit, List<BlobReferences.Column> columns, Clock clock) {
        var files = new FolderBlobStore(folder);
        this.blobs = files;
        var references = new SqlBlobReferences(database, columns);
        this.collector = new BlobCollector(references, files, files, database, clock);
        this.projectBlobs = new SqlProjectBlobs(database);
        this.uploadLimit = uploadLimit;
        this.tree = new ArtifactTree(new SqlFileStore(database), blobs, projectBlobs, references, database, clock);
        var uploadStore = new SqlUploadStore(database);
        this.uploads = new MultipartUploads(uploadStore, tree, blobs, references, clock);
        this.links = new SignedLinks(uploadStore, clock);
    }

    /** Blobs in a folder alone, for a process without a database. */
    public static BlobStore folder(Path folder) {
        return new FolderBlobStore(folder);
    }

    public BlobStore blobs() {
        return blobs;
    }

    public ArtifactTree tree() {
        return tree;
    }

    public MultipartUploads uploads() {
        return uploads;
    }

    public BlobCollector collector() {
        return collector;
    }

    public SignedLinks links() {
        return links;
    }

    public ProjectBlobs projectBlobs() {
        return projectBlobs;
    }

    public List<Route> routes() {
        var routes = new ArrayList<>(new ArtifactRoutes(blobs, projectBlobs, uploadLimit).routes());
        routes.addAll(new MlflowArtifactRoutes(tree, uploadLimit).routes());
        routes.addAll(new TransferRoutes(tree, uploads, links, uploadLimit).routes());
        routes.addAll(new CollectionRoutes(collector).routes());
        return routes;
    }
}
