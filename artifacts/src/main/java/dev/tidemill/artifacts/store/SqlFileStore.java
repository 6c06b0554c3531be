package dev.tidemill.artifacts.store;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.platform.sql.Database;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Files by path in the database. */
public final class SqlFileStore implements FileStore {
    /** A folder's files are those from its name and a slash up to its name and what follows the slash. */
    private static final String BELOW = "project = :project AND path >= :folder || '/' AND path < :folder || '0'";

    private final Database database;

    public SqlFileStore(Database database) {
        this.database = database;
    }

    @Override
    public void put(String project, String path, BlobStore.Blob blob, Instant now) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO artifact_file (project, path, digest, size, updated_at)
                        VALUES (:project, :path, :digest, :size, :now)
                        ON CONFLICT (project, path) DO UPDATE
                        SET digest = excluded.digest, size = excluded.size, updated_at = excluded.updated_at
                        """)
                .bindMethods(blob)
                .bind("project", project)
                .bind("path", path)
                .bind("digest", blob.digest())
                .bind("now", now)
                .execute());
    }

    @Override
    public Optional<BlobStore.Blob> find(String project, String path) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT digest, size FROM artifact_file WHERE project = :project AND path = :path")
                .bind("project", project)
                .bind("path", path)
                .map((row, context) -> new BlobStore.Blob(new Digest(row.getString(1)), row.getLong(2)))
                .findOne());
    }

    @Override
    public SortedMap<String, BlobStore.Blob> below(String project, String folder) {
        String condition = folder.isEmpty() ? "project = :project" : BELOW;
        var files = new TreeMap<String, BlobStore.Blob>();
        database.reading(handle -> handle.createQuery("SELECT path, digest, size FROM artifact_file WHERE " + condition)
                .bind("project", project)
                .bind("folder", folder)
                .map((row, context) ->
                        files.put(row.getString(1), new BlobStore.Blob(new Digest(row.getString(2)), row.getLong(3))))
                .list());
        return files;
    }

    @Override
    public Optional<String> obstacle(String project, String path) {
        var folders = new ArrayList<String>();
        for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
            folders.add(path.substring(0, slash));
        }
        return database.reading(handle -> {
            Optional<String> file = folders.isEmpty()
                    ? Optional.empty()
                    : handle.createQuery(
                                    "SELECT path FROM artifact_file WHERE project = :project AND path IN (<folders>)"
                                            + " ORDER BY path LIMIT 1")
                            .bind("project", project)
                            .bindList("folders", folders)
                            .mapTo(String.class)
                            .findOne();
            return file.or(() -> handle.createQuery("SELECT path FROM artifact_file WHERE " + BELOW + " LIMIT 1")
                    .bind("project", project)
                    .bind("folder", path)
                    .mapTo(String.class)
                    .findOne());
        });
    }

    @Override
    public int delete(String project, String path) {
        return database.writing(handle -> handle.createUpdate(
                        "DELETE FROM artifact_file WHERE (" + BELOW + ") OR (project = :project AND path = :folder)")
                .bind("project", project)
                .bind("folder", path)
                .execute());
    }

    @Override
    public List<Entry> list(String project, String folder) {
        return ArtifactTree.entries(below(project, folder), folder);
    }
}
