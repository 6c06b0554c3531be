package dev.tidemill.artifacts.store;

import dev.tidemill.artifacts.domain.BlobReferences;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.sql.Database;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
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
    public void release(Collection<Digest> digests, boolean folders, Instant now) {
        if (digests.isEmpty()) {
            return;
        }
        database.writing(handle -> {
            PreparedBatch batch = handle.prepareBatch("""
                    INSERT INTO blob_candidate (digest, released_at, folder) VALUES (:digest, :now, :folder)
                    ON CONFLICT (digest) DO UPDATE SET
                        released_at = CASE WHEN excluded.released_at > blob_candidate.released_at
                            THEN excluded.released_at ELSE blob_candidate.released_at END,
                        folder = excluded.folder OR blob_candidate.folder
                    """);
            inOrder(digests)
                    .forEach(digest -> batch.bind("digest", digest)
                            .bind("now", now)
                            .bind("folder", folders)
                            .add());
            return batch.execute();
        });
    }

    @Override
    public List<Released> released(boolean folders, Instant before, Optional<Released> after, int limit) {
        String following = after.isEmpty() ? "" : "AND (released_at, digest) > (:at, :after) ";
        return database.reading(handle -> {
            var query = handle.createQuery(
                            "SELECT digest, released_at FROM blob_candidate WHERE folder = :folder AND released_at <= :before "
                                    + following + "ORDER BY released_at, digest LIMIT :limit")
                    .bind("folder", folders)
                    .bind("before", before)
                    .bind("limit", limit);
            after.ifPresent(last -> query.bind("at", last.at()).bind("after", last.digest()));
            return query.map((row, context) ->
                            new Released(new Digest(row.getString(1)), Instant.ofEpochMilli(row.getLong(2))))
                    .list();
        });
    }

    @Override
    public Set<Digest> foldersReleasedAfter(Instant time) {
        return database.reading(handle -> handle.createQuery(
                        "SELECT digest FROM blob_candidate WHERE folder = :folder AND released_at > :time")
                .bind("folder", true)
                .bind("time", time)
                .map((row, context) -> new Digest(row.getString(1)))
                .collect(Collectors.toSet()));
    }

    @Override
    public Set<Digest> releasedAmong(Set<Digest> digests) {
        return digests.isEmpty()
                ? Set.of()
                : database.reading(
                        handle -> handle.createQuery("SELECT digest FROM blob_candidate WHERE digest IN (<digests>)")
                                .bindList("digests", List.copyOf(digests))
                                .map((row, context) -> new Digest(row.getString(1)))
                                .collect(Collectors.toSet()));
    }

    @Override
    public Set<Removal> beginRemoval(Collection<Digest> digests) {
        return database.writing(handle -> {
            var begun = new HashSet<Removal>();
            for (Digest digest : inOrder(digests)) {
                var removal = new Removal(digest, Ids.next());
                int noted = handle.createUpdate("UPDATE blob_candidate SET removal = :removal WHERE digest = :digest")
                        .bind("digest", digest)
                        .bind("removal", removal.id())
                        .execute();
                if (noted > 0) {
                    begun.add(removal);
                }
            }
            return begun;
        });
    }

    @Override
    public void endRemoval(Collection<Removal> there) {
        if (!there.isEmpty()) {
            database.writing(handle -> {
                PreparedBatch batch = handle.prepareBatch(
                        "UPDATE blob_candidate SET removal = NULL WHERE digest = :digest AND removal = :removal");
                there.stream()
                        .sorted(Comparator.comparing(removal -> removal.digest().value()))
                        .forEach(removal -> batch.bind("digest", removal.digest())
                                .bind("removal", removal.id())
                                .add());
                return batch.execute();
            });
        }
    }

    @Override
    public Set<Removal> removals() {
        return database.reading(handle -> handle.createQuery(
                        "SELECT digest, removal FROM blob_candidate WHERE removal IS NOT NULL")
                .map((row, context) -> new Removal(new Digest(row.getString(1)), row.getString(2)))
                .collect(Collectors.toSet()));
    }

    @Override
    public Set<Removal> removals(Set<Digest> among) {
        var all = removals();
        all.removeIf(removal -> !among.contains(removal.digest()));
        return all;
    }

    @Override
    public Set<Digest> claim(Set<Digest> digests, Instant now) {
        return database.write(() -> {
            release(digests, false, now);
            return removals(digests).stream().map(Removal::digest).collect(Collectors.toSet());
        });
    }

    @Override
    public void renew(Digest digest, Instant now) {
        database.writing(handle -> handle.createUpdate(
                        "UPDATE blob_candidate SET released_at = CASE WHEN :now > released_at THEN :now ELSE released_at END"
                                + " WHERE digest = :digest")
                .bind("digest", digest)
                .bind("now", now)
                .execute());
    }

    /** In one order for all, so that two that lock the same blobs do not wait for each other. */
    private static List<Digest> inOrder(Collection<Digest> digests) {
        return digests.stream()
                .distinct()
                .sorted(Comparator.comparing(Digest::value))
                .toList();
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
            database.readingLong(handle -> {
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
    public void forget(Collection<Digest> digests, Instant releasedBefore) {
        database.writing(handle -> {
            // The candidate's row first, as whoever takes a blob does: one of the two waits for the other and sees what
            // it did.
            for (Digest digest : inOrder(digests)) {
                int forgotten = handle.createUpdate(
                                "DELETE FROM blob_candidate WHERE digest = :digest AND released_at <= :before")
                        .bind("digest", digest)
                        .bind("before", releasedBefore)
                        .execute();
                if (forgotten > 0) {
                    handle.createUpdate("DELETE FROM project_blob WHERE digest = :digest")
                            .bind("digest", digest)
                            .execute();
                }
            }
            return true;
        });
    }
}
