package dev.tidemill.app;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.modules.DigestColumn;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Blobs that the rows of a backup name, whether they are in it or not. Not thread-safe. */
final class NamedBlobs {
    /** Where blobs are, by their path below the data directory. */
    interface Blobs {
        boolean has(String path);

        InputStream open(String path) throws IOException;
    }

    /** Of a table with the digest of a blob and nothing else in a column: that column. */
    private static final Map<String, DigestColumn> COLUMNS = Modules.SCHEMAS.stream()
            .flatMap(schema -> schema.digests().stream())
            .filter(column -> column.holds() != DigestColumn.Holds.TEXT)
            .collect(Collectors.toUnmodifiableMap(DigestColumn::table, column -> column));

    private static final String FOLDER = "artifacts/";
    private static final Pattern DIGEST = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern FOLDER_LINE = Pattern.compile("([0-9a-f]{64}) \\d+ .+");

    private final SortedSet<String> digests = new TreeSet<>();
    private final SortedSet<String> folders = new TreeSet<>();
    private final Set<String> readable = new HashSet<>();
    private final Set<String> released = new HashSet<>();
    private final Map<String, Integer> columns = new HashMap<>();

    /** @param tables of the manifest, which tell the order of the columns; of an older schema some may be missing */
    NamedBlobs(JsonNode tables) {
        for (JsonNode table : tables) {
            String name = table.path("name").asText();
            DigestColumn digests = COLUMNS.get(name);
            if (digests == null) {
                continue;
            }
            int index = 0;
            for (JsonNode column : table.path("columns")) {
                if (column.asText().equals(digests.column())) {
                    columns.put(name, index);
                }
                index++;
            }
        }
    }

    private Set<String> namedBy(String table) {
        return switch (Objects.requireNonNull(COLUMNS.get(table)).holds()) {
            case FOLDER -> folders;
            case READER -> readable;
            case RELEASED -> released;
            case BLOB, TEXT -> digests;
        };
    }

    /** Tables that name blobs. */
    Set<String> tables() {
        return columns.keySet();
    }

    /** Takes lines of rows of a table. */
    void read(String table, InputStream lines) throws IOException {
        Integer column = columns.get(table);
        if (column == null) {
            return;
        }
        try (var rows = new BufferedReader(new InputStreamReader(lines, StandardCharsets.UTF_8))) {
            rows.lines()
                    .map(line -> Json.read(line).path(column).asText())
                    .filter(text -> DIGEST.matcher(text).matches())
                    .forEach(namedBy(table)::add);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Digests of those that are not there. */
    List<String> missing(Blobs blobs) throws IOException {
        // What was let go of is missed only if something else names it: a collection may have removed the file, and the
        // rows that are left are removed by the next one.
        readable.removeAll(released);
        digests.addAll(readable);
        for (String folder : folders) {
            digests.add(folder);
            if (blobs.has(path(folder))) {
                files(blobs.open(path(folder)));
            }
        }
        return digests.stream().filter(digest -> !blobs.has(path(digest))).toList();
    }

    private void files(InputStream folder) throws IOException {
        try (var lines = new BufferedReader(new InputStreamReader(folder, StandardCharsets.UTF_8))) {
            String line;
            while ((line = lines.readLine()) != null) {
                Matcher matcher = FOLDER_LINE.matcher(line);
                if (matcher.matches()) {
                    digests.add(matcher.group(1));
                }
            }
        }
    }

    private static String path(String digest) {
        return path(new Digest(digest));
    }

    /** Where a blob is below the data directory, with slashes. */
    static String path(Digest digest) {
        return FOLDER + FolderBlobStore.relativePath(digest);
    }

    /** The blob that is at a path below the data directory; empty if none is there. */
    static Optional<Digest> digest(String path) {
        return Optional.of(path)
                .filter(any -> any.startsWith(FOLDER))
                .map(blob -> blob.substring(FOLDER.length()).replace("/", ""))
                .filter(Digest::is)
                .map(Digest::new);
    }
}
