package dev.tidemill.tracking.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.json.Json;

/** What a folder below a run's root holds, as our own routes tell it. */
final class ArtifactListing {
    private ArtifactListing() {}

    /** @param root where the artifacts are; a place that this server cannot read lists nothing */
    static ObjectNode of(LocatedFiles files, String project, String root, String folder) {
        ObjectNode json = Json.object().put("root_uri", root);
        for (LocatedFiles.Listed entry : files.list(project, root, folder)) {
            ObjectNode file = json.withArray("files")
                    .addObject()
                    .put("path", entry.path())
                    .put("is_dir", entry.folder());
            if (!entry.folder()) {
                file.put("file_size", entry.size());
            }
        }
        return json;
    }
}
