package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Fetches files into a folder, each written aside and moved into place; names of the server's never lead out of it. */
final class Downloads {
    private Downloads() {}

    /**
     * A file of a server's.
     *
     * @param address path at the server
     * @param bytes that it is listed with; negative if it is not
     */
    record Source(String address, long bytes) {}

    /** Artifacts of a run, or a file or folder of them. */
    static int run(Connection connection, String id, String path, Path to) throws IOException {
        Api api = connection.api();
        var files = new TreeMap<String, Long>();
        String root = "/runs/" + Api.encode(id);
        collect(api, root, path, files);
        if (files.isEmpty() && !path.isEmpty()) {
            files.put(path, -1L);
        }
        var sources = new TreeMap<String, Source>();
        files.forEach((file, bytes) -> sources.put(file, new Source(api.in(root + "/files/" + encoded(file)), bytes)));
        return fetch(connection, sources, to);
    }

    private static void collect(Api api, String root, String folder, Map<String, Long> files) {
        ListingBounds.depth(api.server(), folder);
        JsonNode listed = api.get(api.in(root + "/artifacts?path=" + Api.encode(folder)));
        for (JsonNode entry : listed.path("files")) {
            if (entry.path("is_dir").asBoolean()) {
                collect(api, root, entry.path("path").asText(), files);
            } else {
                files.put(entry.path("path").asText(), entry.path("file_size").asLong(-1));
            }
        }
    }

    static String encoded(String path) {
        var parts = new StringBuilder();
        for (String part : path.split("/")) {
            parts.append(parts.isEmpty() ? "" : "/").append(Api.encode(part));
        }
        return parts.toString();
    }

    /** @param sources by path below the folder */
    static int fetch(Connection connection, Map<String, Source> sources, Path to) throws IOException {
        Api api = connection.api();
        Path folder = to.toAbsolutePath().normalize();
        var progress = new Progress("download");
        ArrayNode written = Api.JSON.createArrayNode();
        for (Map.Entry<String, Source> entry : sources.entrySet()) {
            Path target = folder.resolve(entry.getKey()).normalize();
            if (!target.startsWith(folder)) {
                throw new CliException(
                        Exit.FAILURE, "The server names a file outside of the folder: " + entry.getKey());
            }
            Files.createDirectories(target.getParent());
            Path aside = target.resolveSibling(target.getFileName() + ".part");
            api.download(entry.getValue().address(), aside, entry.getValue().bytes());
            Files.move(aside, target, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            written.add(target.toString());
            progress.update(written.size(), sources.size(), entry.getKey());
        }
        progress.done(written.size() + " files to " + folder);
        if (connection.json()) {
            System.out.println(Api.object().set("files", written));
        }
        return Exit.OK;
    }
}
