package dev.tidemill.wires.mlflow.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.RegisteredModel;
import java.util.List;
import java.util.Map;

/** MLflow's messages about registered models and their versions. */
final class MlflowRegistryJson {
    private MlflowRegistryJson() {}

    /** @param latest the newest version of each stage */
    static ObjectNode model(RegisteredModel model, List<ModelVersion> latest) {
        ObjectNode json = Json.object()
                .put("name", model.name())
                .put("creation_timestamp", model.createdAt().toEpochMilli())
                .put("last_updated_timestamp", model.updatedAt().toEpochMilli());
        if (!model.description().isEmpty()) {
            json.put("description", model.description());
        }
        if (!latest.isEmpty()) {
            ArrayNode versions = json.putArray("latest_versions");
            latest.forEach(version -> versions.add(version(version, model.aliases())));
        }
        tags(json, model.tags());
        if (!model.aliases().isEmpty()) {
            ArrayNode aliases = json.putArray("aliases");
            model.aliases()
                    .forEach((alias, version) ->
                            aliases.addObject().put("alias", alias).put("version", Integer.toString(version)));
        }
        return json;
    }

    private static void tags(ObjectNode json, Map<String, String> tags) {
        if (!tags.isEmpty()) {
            ArrayNode list = json.putArray("tags");
            tags.forEach((key, value) -> list.addObject().put("key", key).put("value", value));
        }
    }

    /** @param aliases of the model */
    static ObjectNode version(ModelVersion version, Map<String, Integer> aliases) {
        ObjectNode json = Json.object()
                .put("name", version.model())
                .put("version", Integer.toString(version.version()))
                .put("creation_timestamp", version.createdAt().toEpochMilli())
                .put("last_updated_timestamp", version.updatedAt().toEpochMilli())
                .put("current_stage", version.stage().label())
                .put("description", version.description())
                .put("source", version.origin().source())
                .put("run_id", version.training().run().orElse(""))
                .put("status", "READY")
                .put("run_link", version.origin().runLink());
        version.origin().loggedModel().ifPresent(id -> json.put("model_id", id));
        tags(json, version.tags());
        ArrayNode names = Json.array();
        aliases.forEach((alias, target) -> {
            if (target == version.version()) {
                names.add(alias);
            }
        });
        if (!names.isEmpty()) {
            json.set("aliases", names);
        }
        return json;
    }
}
