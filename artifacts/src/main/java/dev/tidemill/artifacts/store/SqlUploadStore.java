package dev.tidemill.artifacts.store;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.UploadStore;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Unfinished uploads in the database. */
public final class SqlUploadStore implements UploadStore {
    private final Database database;

    public SqlUploadStore(Database database) {
        this.database = database;
    }

    @Override
    public void insert(Upload upload) {
        database.writing(handle -> handle.createUpdate(
                        "INSERT INTO artifact_upload (id, project, path, created_at) VALUES (:id, :project, :path, :createdAt)")
                .bindMethods(upload)
                .execute());
    }

    @Override
    public Optional<Upload> find(String id) {
        return database.reading(handle -> handle.createQuery("SELECT * FROM artifact_upload WHERE id = :id")
                .bind("id", id)
                .map((row, context) -> upload(row))
                .findOne());
    }

    private static Upload upload(ResultSet row) throws SQLException {
        return new Upload(
                row.getString("id"),
                row.getString("project"),
                row.getString("path"),
                Columns.instant(row, "created_at"));
    }

    @Override
    public boolean putPart(String upload, Part part) {
        return database.writing(handle -> {
            // Whoever ends the upload meanwhile waits for this, or is waited for.
            int there = handle.createUpdate("UPDATE artifact_upload SET id = id WHERE id = :upload")
                    .bind("upload", upload)
                    .execute();
            if (there == 0) {
                return false;
            }
            handle.createUpdate("""
                            INSERT INTO artifact_upload_part (upload, number, digest, size) VALUES (:upload, :number, :digest, :size)
                            ON CONFLICT (upload, number) DO UPDATE SET digest = excluded.digest, size = excluded.size
                            """)
                    .bind("upload", upload)
                    .bind("number", part.number())
                    .bind("digest", part.blob().digest())
                    .bind("size", part.blob().size())
                    .execute();
            return true;
        });
    }

    @Override
    public List<Part> parts(String upload) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT * FROM artifact_upload_part WHERE upload = :upload ORDER BY number")
                .bind("upload", upload)
                .map((row, context) -> new Part(
                        row.getInt("number"),
                        new BlobStore.Blob(new Digest(row.getString("digest")), row.getLong("size"))))
                .list());
    }

    @Override
    public boolean delete(String id) {
        return database.writing(handle -> {
            int gone = handle.createUpdate("DELETE FROM artifact_upload WHERE id = :id")
                    .bind("id", id)
                    .execute();
            handle.createUpdate("DELETE FROM artifact_upload_part WHERE upload = :id")
                    .bind("id", id)
                    .execute();
            return gone > 0;
        });
    }

    @Override
    public List<Upload> at(String project, String path) {
        return database.reading(handle -> handle.createQuery("""
                        SELECT * FROM artifact_upload
                        WHERE project = :project AND (path = :path OR path >= :path || '/' AND path < :path || '0')
                        """)
                .bind("project", project)
                .bind("path", path)
                .map((row, context) -> upload(row))
                .list());
    }

    @Override
    public List<Upload> before(Instant time) {
        return database.reading(handle -> handle.createQuery("SELECT * FROM artifact_upload WHERE created_at < :time")
                .bind("time", time)
                .map((row, context) -> upload(row))
                .list());
    }

    @Override
    public String secret(String name) {
        return findSecret(name)
                .orElseGet(() -> database.writing(handle -> {
                    handle.createUpdate(
                                    "INSERT INTO signing_key (name, secret) VALUES (:name, :secret) ON CONFLICT DO NOTHING")
                            .bind("name", name)
                            .bind("secret", Ids.secret())
                            .execute();
                    return findSecret(name).orElseThrow();
                }));
    }

    private Optional<String> findSecret(String name) {
        return database.reading(handle -> handle.createQuery("SELECT secret FROM signing_key WHERE name = :name")
                .bind("name", name)
                .mapTo(String.class)
                .findOne());
    }
}
