package dev.tidemill.artifacts.store;

import dev.tidemill.artifacts.domain.BlobReferences;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.sql.Database;
import java.time.Instant;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jdbi.v3.core.statement.PreparedBatch;

/** References to blobs: in columns of single blobs by digest, in those of folders and texts by reading them through. */
public final class SqlBlobReferences implements BlobReferences {
    private static final Pattern DIGEST = Pattern.compile("\\b[0-9a-f]{64}\\b");

    private final Database database;
    private final List<DigestColumn> indexed;
    private final List<DigestColumn> read;

    /** @param columns every one that holds digests, of any module */
    public SqlBlobReferences(Database database, List<DigestColumn> columns) {
        this.database = database;
        this.indexed = columns.stream()
                .filter(column -> column.holds() == DigestColumn.Holds.BLOB)
                .toList();
        this.read = columns.stream()
                .filter(column ->
                        column.holds() == DigestColumn.Holds.FOLDER || column.holds() == DigestColumn.Holds.TEXT)
                .toList();
    }

    @Override
    public void release(Collection<Digest> digests, Instant now) {
        if (digests.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    INSERT INTO blob_candidate (digest, released_at) VALUES (:digest, :now)
                    ON CONFLICT (digest) DO UPDATE SET released_at = excluded.released_at
                    """);
            digests.forEach(
                    digest -> batch.bind("digest", digest).bind("now", now).add());
            return batch.execute();
        });
    }

    @Override
    public List<Digest> released(Instant before) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT digest FROM blob_candidate WHERE released_at <= :before ORDER BY released_at, digest")
                .bind("before", before)
                .map((row, context) -> new Digest(row.getString(1)))
                .list());
    }

    @Override
    public Set<Digest> named(Set<Digest> among) {
        var found = new HashSet<Digest>();
        if (among.isEmpty()) {
            return found;
        }
        database.reading(handle -> {
            for (DigestColumn column : indexed) {
                handle.createQuery("SELECT DISTINCT " + column.column() + " FROM " + column.table() + " WHERE "
                                + column.column() + " IN (<digests>)")
                        .bindList("digests", List.copyOf(among))
                        .map((row, context) -> found.add(new Digest(row.getString(1))))
                        .list();
            }
            return true;
        });
        return found;
    }

    @Override
    public Set<Digest> inTexts() {
        var found = new HashSet<Digest>();
        for (DigestColumn column : read) {
            database.reading(handle -> {
                try (var texts = handle
                        .createQuery("SELECT " + column.column() + " FROM " + column.table() + " WHERE "
                                + column.column() + " IS NOT NULL")
                        .setFetchSize(1000)
                        .mapTo(String.class)
                        .stream()) {
                    texts.forEach(text -> {
                        Matcher matcher = DIGEST.matcher(text);
                        while (matcher.find()) {
                            found.add(new Digest(matcher.group()));
                        }
                    });
                }
                return true;
            });
        }
        return found;
    }

    @Override
    public void keep(Collection<Digest> digests, Instant releasedBefore) {
        if (!digests.isEmpty()) {
            database.writing(handle -> handle.createUpdate(
                            "DELETE FROM blob_candidate WHERE digest IN (<digests>) AND released_at <= :before")
                    .bindList("digests", List.copyOf(digests))
                    .bind("before", releasedBefore)
                    .execute());
        }
    }

    @Override
    public void forget(Collection<Digest> digests) {
        if (digests.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            for (String table : List.of("project_blob", "blob_candidate")) {
                handle.createUpdate("DELETE FROM " + table + " WHERE digest IN (<digests>)")
                        .bindList("digests", List.copyOf(digests))
                        .execute();
            }
            return true;
        });
    }
}
