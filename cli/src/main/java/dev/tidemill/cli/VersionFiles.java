package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Carries files of versions that lie with no run or logged model: a folder of the server that a version was made on, or beside the
 * version in an exported folder. Not thread-safe.
 */
final class VersionFiles {
    /** Where files lie until the server has made a version's folder of them. */
    private static final String ON_THEIR_WAY = "imports/";

    private static final String SENT = "mlflow-artifacts:/" + ON_THEIR_WAY;

    private final Api api;
    private final Retry retry;
    private final ImportSource from;
    private final FileTransfer transfer;
    private final Map<String, Set<Integer>> here = new HashMap<>();
    private String unread = "";

    VersionFiles(Api api, Retry retry, ImportSource from, FileTransfer transfer) {
        this.api = api;
        this.retry = retry;
        this.from = from;
        this.transfer = transfer;
    }

    /** Whether the server has the version already, with its files: these do not change. */
    boolean areHere(JsonNode version) {
        String model = version.path("name").asText();
        return here.computeIfAbsent(model, this::known)
                .contains(version.path("version").asInt());
    }

    private Set<Integer> known(String model) {
        var numbers = new HashSet<Integer>();
        retry.call(() -> api.get(api.in("/models/" + Api.encode(model))))
                .path("versions")
                .forEach(version -> {
                    if (version.hasNonNull("folder")) {
                        numbers.add(version.path("version").asInt());
                    }
                });
        return numbers;
    }

    /**
     * Sends what lies at a place of the source; what an interrupted import has sent is not sent again.
     *
     * @return where it is now, to be let go of once the server has taken it; empty if nothing is there, or it cannot be read from here
     */
    Optional<String> send(JsonNode version, String storage) throws IOException {
        List<ImportSource.ArtifactFile> files = at(storage);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        String root = ON_THEIR_WAY
                + UUID.nameUUIDFromBytes((from + " " + version.path("name").asText() + "/"
                                + version.path("version").asText())
                        .getBytes(StandardCharsets.UTF_8));
        Map<String, Long> sent = retry.call(() -> api.artifacts(root));
        for (ImportSource.ArtifactFile file : files) {
            if (!Long.valueOf(file.bytes()).equals(sent.get(file.path()))) {
                try {
                    transfer.send(file, root);
                } catch (CliException e) {
                    throw new CliException(e.exit(), "file '" + file.path() + "': " + e.getMessage());
                }
            }
        }
        return Optional.of(SENT + root.substring(ON_THEIR_WAY.length()));
    }

    /** Why the files that were to be sent last cannot be read from here; empty if they can. */
    String unread() {
        return unread;
    }

    private List<ImportSource.ArtifactFile> at(String storage) throws IOException {
        unread = "";
        try {
            return from.files(storage);
        } catch (CliException none) {
            if (none.exit() != Exit.NOT_FOUND) {
                throw none;
            }
            unread = String.valueOf(none.getMessage());
            return List.of();
        }
    }

    /** Whether a location is one to which files of a version were sent. */
    static boolean areSent(String location) {
        return location.startsWith(SENT);
    }

    /** Lets go of what was sent: the version's folder has it. */
    void clear(String location) {
        retry.call(() -> api.deleteFromMlflow(Api.artifact(location.replaceFirst("^mlflow-artifacts:/+", ""))));
    }
}
