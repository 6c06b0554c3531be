package dev.tidemill.tracking.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.platform.json.Json;

/** What a folder below a run's or a model's root holds, as MLflow's clients read it. */
final class ArtifactListing {
    private ArtifactListing() {}

    /** @param root where the artifacts are; a place that this server cannot read lists nothing */
    static ObjectNode of(LocatedFiles files, String project, String root, String folder) {
        ObjectNode json = Json.object().put("root_uri", root);
        String path = ArtifactLocations.requireInside("path", folder);
        for (FileStore.Entry entry : files.list(project, root, path)) {
            ObjectNode file = json.withArray("files")
                    .addObject()
                    .put("path", path.isEmpty() ? entry.name() : path + "/" + entry.name())
                    .put("is_dir", entry.folder());
            if (!entry.folder()) {
                file.put("file_size", entry.size());
            }
        }
        return json;
    }
}
