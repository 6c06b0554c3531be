package dev.tidemill.inference.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.inference.domain.PlanSnapshot;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionSink;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.ServingPlan;
import dev.tidemill.inference.domain.Vacancy;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What a control plane and its gateways tell each other. Both ends are of the same version. */
public final class PlaneJson {
    private PlaneJson() {}

    public static ObjectNode snapshot(PlanSnapshot snapshot) {
        ObjectNode json = Json.object().put("version", snapshot.version());
        json.set("plans", Json.objectMapper().valueToTree(snapshot.plans()));
        json.set("vacancies", Json.objectMapper().valueToTree(snapshot.vacancies()));
        return json;
    }

    public static PlanSnapshot snapshot(JsonNode json) {
        List<ServingPlan> plans = new ArrayList<>();
        for (JsonNode plan : json.path("plans")) {
            Optional<ServingPlan.Challenger> challenger =
                    plan.path("challenger").isObject()
                            ? Optional.of(new ServingPlan.Challenger(
                                    served(plan.path("challenger").path("version")),
                                    plan.path("challenger").path("share").asDouble()))
                            : Optional.empty();
            plans.add(new ServingPlan(
                    plan.path("project").asText(),
                    plan.path("name").asText(),
                    plan.path("revision").asLong(),
                    served(plan.path("champion")),
                    challenger,
                    plan.path("durable").asBoolean(),
                    // A plan that was kept by an earlier version does not say.
                    InputPolicy.valueOf(plan.path("inputs").asText(InputPolicy.REFUSE.name()))));
        }
        // A snapshot that was kept by an earlier version has none.
        List<Vacancy> vacancies = json.path("vacancies")
                .valueStream()
                .map(vacancy -> new Vacancy(
                        vacancy.path("project").asText(),
                        vacancy.path("name").asText(),
                        vacancy.path("model").asText()))
                .toList();
        return new PlanSnapshot(plans, vacancies);
    }

    public static ServedVersion served(JsonNode json) {
        return new ServedVersion(
                json.path("project").asText(),
                json.path("model").asText(),
                json.path("version").asInt(),
                new Digest(json.path("folder").asText()),
                json.path("trusted").asBoolean(),
                json.path("network").asBoolean());
    }

    public static ObjectNode predictions(List<Prediction> batch) {
        ObjectNode json = Json.object();
        json.set("predictions", Json.objectMapper().valueToTree(batch));
        return json;
    }

    /**
     * Reads what {@link #predictions(List)} wrote. A text that a model was asked about or answered is kept as it is, as where there is
     * a database beside the model.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT}
     */
    public static List<Prediction> predictions(byte[] body) {
        ObjectNode json = Json.parseOwnObject(body);
        List<Prediction> batch = new ArrayList<>();
        try {
            for (JsonNode prediction : json.path("predictions")) {
                batch.add(Json.objectMapper().treeToValue(prediction, Prediction.class));
            }
        } catch (IOException e) {
            throw TidemillException.invalid("predictions", "A prediction cannot be read: " + e.getMessage());
        }
        return batch;
    }

    /** What has become of a batch: how many were written, and the places in the batch of those whose ids were used before. */
    static ObjectNode taken(PredictionSink.Taken taken, List<Prediction> batch) {
        ObjectNode json = Json.object().put("written", taken.written());
        ArrayNode reused = json.putArray("reused");
        Set<Prediction> left = Collections.newSetFromMap(new IdentityHashMap<>());
        left.addAll(taken.reused());
        for (int i = 0; i < batch.size(); i++) {
            if (left.contains(batch.get(i))) {
                reused.add(i);
            }
        }
        return json;
    }

    public static PredictionSink.Taken taken(JsonNode json, List<Prediction> batch) {
        List<Prediction> reused = json.path("reused")
                .valueStream()
                .map(place -> batch.get(place.asInt()))
                .toList();
        return new PredictionSink.Taken(json.path("written").asInt(), reused);
    }

    static ObjectNode principal(Optional<Principal> principal) {
        ObjectNode json = Json.object();
        json.set("principal", Json.objectMapper().valueToTree(principal.orElse(null)));
        return json;
    }

    public static Optional<Principal> principal(JsonNode json) {
        JsonNode principal = json.path("principal");
        if (!principal.isObject()) {
            return Optional.empty();
        }
        return Optional.of(new Principal(
                principal.path("id").asText(),
                principal.path("administrator").asBoolean(),
                principal.path("user").asText(),
                role(principal.path("roleCap")),
                Optional.ofNullable(principal.path("onlyProject").textValue()),
                Optional.ofNullable(principal.path("scope").textValue()).map(Scope::valueOf)));
    }

    public static Optional<Role> role(JsonNode text) {
        return Optional.ofNullable(text.textValue()).map(Role::valueOf);
    }
}
