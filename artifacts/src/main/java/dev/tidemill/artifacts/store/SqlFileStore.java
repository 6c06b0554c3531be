package dev.tidemill.artifacts.store;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.platform.sql.Database;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Files by path in the database. */
public final class SqlFileStore implements FileStore {
    /** A folder's files are those from its name and a slash up to its name and what follows the slash. */
    private static final String BELOW = "project = :project AND path >= :folder || '/' AND path < :folder || '0'";

    /** Follows the slash in the order of characters. */
    private static final String BEHIND_FOLDER = "0";

    private static final int FEWEST_READ = 8;
    private static final int MOST_READ = 1_000;

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

    /** What lies in a folder below is leapt over by the index, once its first file has told that it is there. */
    @Override
    public List<Entry> list(String project, String folder) {
        String prefix = folder.isEmpty() ? "" : folder + "/";
        String sql = "SELECT path, size FROM artifact_file WHERE " + (folder.isEmpty() ? "project = :project" : BELOW)
                + " AND path >= :from AND path <> :last ORDER BY path LIMIT :limit";
        var entries = new ArrayList<Entry>();
        database.reading(handle -> {
            String from = prefix;
            String last = "";
            int limit = FEWEST_READ;
            while (true) {
                List<Entry> read = handle.createQuery(sql)
                        .bind("project", project)
                        .bind("folder", folder)
                        .bind("from", from)
                        .bind("last", last)
                        .bind("limit", limit)
                        .map((row, context) ->
                                new Entry(row.getString("path").substring(prefix.length()), false, row.getLong("size")))
                        .list();
                int files = 0;
                while (files < read.size() && read.get(files).name().indexOf('/') < 0) {
                    files++;
                }
                entries.addAll(read.subList(0, files));
                if (files < read.size()) {
                    String path = read.get(files).name();
                    String name = path.substring(0, path.indexOf('/'));
                    entries.add(new Entry(name, true, 0));
                    from = prefix + name + BEHIND_FOLDER;
                    last = "";
                    limit = FEWEST_READ;
                } else if (read.size() < limit) {
                    return true;
                } else {
                    from = prefix + read.getLast().name();
                    last = from;
                    limit = Math.min(MOST_READ, 2 * limit);
                }
            }
        });
        entries.sort(Comparator.comparing(Entry::name));
        return List.copyOf(entries);
    }
}
