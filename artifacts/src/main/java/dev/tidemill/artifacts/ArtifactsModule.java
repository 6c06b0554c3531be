package dev.tidemill.artifacts;

import dev.tidemill.artifacts.api.ArtifactRoutes;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.ProjectBlobs;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.store.SqlProjectBlobs;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.sql.Database;
import java.nio.file.Path;
import java.util.List;

/** Wires artifacts. */
public final class ArtifactsModule {
    private final BlobStore blobs;
    private final ProjectBlobs projectBlobs;
    private final long uploadLimit;

    /** @param uploadLimit most bytes of one upload */
    public ArtifactsModule(Database database, Path folder, long uploadLimit) {
        this.blobs = folder(folder);
        this.projectBlobs = new SqlProjectBlobs(database);
        this.uploadLimit = uploadLimit;
    }

    /** Blobs in a folder alone, for a process without a database. */
    public static BlobStore folder(Path folder) {
        return new FolderBlobStore(folder);
    }

    public BlobStore blobs() {
        return blobs;
    }

    public ProjectBlobs projectBlobs() {
        return projectBlobs;
    }

    public List<Route> routes() {
        return new ArtifactRoutes(blobs, projectBlobs, uploadLimit).routes();
    }
}
