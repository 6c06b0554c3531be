package dev.tidemill.tracking.api;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.ArtifactLocations;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.platform.json.Json;

/** What a folder below a run's or a model's root holds, as MLflow's clients read it. */
final class ArtifactListing {
    private ArtifactListing() {}

    /** @param root where the artifacts are; a folder that this server does not keep lists nothing */
    static ObjectNode of(ArtifactTree tree, String project, String root, String folder) {
        ObjectNode json = Json.object().put("root_uri", root);
        String path = ArtifactLocations.requireInside("path", folder);
        if (root.startsWith(ArtifactLocations.OWN)) {
            String base = root.substring(ArtifactLocations.OWN.length());
            for (FileStore.Entry entry : tree.list(project, path.isEmpty() ? base : base + "/" + path)) {
                ObjectNode file = json.withArray("files")
                        .addObject()
                        .put("path", path.isEmpty() ? entry.name() : path + "/" + entry.name())
                        .put("is_dir", entry.folder());
                if (!entry.folder()) {
                    file.put("file_size", entry.size());
                }
            }
        }
        return json;
    }
}
