package dev.tidemill.artifacts.store;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.ProjectBlobs;
import dev.tidemill.platform.sql.Database;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Projects' blobs in the database. */
public final class SqlProjectBlobs implements ProjectBlobs {
    private static final int BATCH = 1_000;

    private final Database database;

    public SqlProjectBlobs(Database database) {
        this.database = database;
    }

    @Override
    public void add(String project, Digest digest) {
        database.writing(handle -> handle.createUpdate(
                        "INSERT INTO project_blob (project, digest) VALUES (:project, :digest) ON CONFLICT DO NOTHING")
                .bind("project", project)
                .bind("digest", digest)
                .execute());
    }

    @Override
    public boolean containsAll(String project, Set<Digest> digests) {
        List<Digest> all = List.copyOf(digests);
        for (int from = 0; from < all.size(); from += BATCH) {
            List<Digest> some = all.subList(from, Math.min(all.size(), from + BATCH));
            long found = database.reading(handle -> handle.createQuery(
                            "SELECT COUNT(*) FROM project_blob WHERE project = :project AND digest IN (<digests>)")
                    .bind("project", project)
                    .bindList("digests", some)
                    .mapTo(Long.class)
                    .one());
            if (found < some.size()) {
                return false;
            }
        }
        return true;
    }

    @Override
    public Set<Digest> withoutProject(Set<Digest> among) {
        var left = new HashSet<>(among);
        List<Digest> all = List.copyOf(among);
        for (int from = 0; from < all.size(); from += BATCH) {
            List<Digest> some = all.subList(from, Math.min(all.size(), from + BATCH));
            database.reading(handle -> handle.createQuery(
                                    "SELECT DISTINCT digest FROM project_blob WHERE digest IN (<digests>)")
                            .bindList("digests", some)
                            .mapTo(String.class)
                            .list())
                    .forEach(digest -> left.remove(new Digest(digest)));
        }
        return left;
    }

    @Override
    public boolean contains(String project, Digest digest) {
        return database.reading(handle -> handle.createQuery(
                                "SELECT COUNT(*) FROM project_blob WHERE project = :project AND digest = :digest")
                        .bind("project", project)
                        .bind("digest", digest)
                        .mapTo(Long.class)
                        .one())
                > 0;
    }
}
