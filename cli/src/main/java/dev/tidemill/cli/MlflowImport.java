package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Carries everything of a source over to a server. What is there already is completed, never doubled. */
final class MlflowImport {
    /** Set last, so that a run which has it needs no second look. */
    private static final String DONE = "tidemill.imported";

    private final Api api;
    private final ImportSource from;
    private final ObjectNode counts = Api.object();
    /** Where artifacts are now, by where they were. */
    private final Map<String, String> moved = new HashMap<>();

    MlflowImport(Api api, ImportSource from) {
        this.api = api;
        this.from = from;
    }

    private void count(String what, long more) {
        counts.put(what, counts.path(what).asLong() + more);
    }

    ObjectNode run() throws IOException {
        for (String what : List.of(
                "experiments",
                "runs",
                "runs_already_here",
                "points",
                "files",
                "logged_models",
                "models",
                "versions",
                "aliases")) {
            counts.put(what, 0);
        }
        List<JsonNode> experiments = from.experiments();
        var progress = new Progress("experiments");
        int done = 0;
        for (JsonNode experiment : experiments) {
            experiment(experiment, progress);
            progress.update(++done, experiments.size(), experiment.path("name").asText());
        }
        progress.done(counts.path("runs").asLong() + " runs of " + experiments.size() + " experiments");
        registry();
        return counts;
    }

    private void experiment(JsonNode experiment, Progress progress) throws IOException {
        JsonNode made = api.post(api.in("/import/experiments"), experiment);
        count("experiments", 1);
        String here = made.path("id").asText();
        String location = made.path("artifactLocation").asText();
        String there = experiment.path("experiment_id").asText();
        var runs = new ArrayList<JsonNode>();
        from.runs(there, runs::add);
        for (int i = 0; i < runs.size(); i++) {
            run(runs.get(i), here, location);
            progress.update(
                    i, runs.size(), experiment.path("name").asText() + ", run " + (i + 1) + " of " + runs.size());
        }
        var models = new ArrayList<JsonNode>();
        from.loggedModels(there, models::add);
        for (JsonNode model : models) {
            loggedModel(model, here, location);
        }
    }

    private void run(JsonNode run, String experiment, String location) throws IOException {
        ObjectNode told = run.deepCopy();
        ObjectNode info = (ObjectNode) told.path("info");
        String id = info.path("run_id").asText(info.path("run_uuid").asText());
        String root = location + "/" + id + "/artifacts";
        moved.put(trimmed(info.path("artifact_uri").asText()), root);
        moved.put("runs:/" + id, root);
        if (isDone(id)) {
            count("runs_already_here", 1);
            return;
        }
        info.put("experiment_id", experiment);
        if (told.path("data") instanceof ObjectNode data) {
            data.remove("metrics");
        }
        api.post(api.in("/import/runs"), told);
        from.points(run, batch -> {
            if (!batch.isEmpty()) {
                ObjectNode points = Api.object().put("run_id", id);
                ArrayNode list = points.putArray("metrics");
                batch.forEach(list::add);
                api.post(api.in("/import/points"), points);
                count("points", batch.size());
            }
        });
        copy(info.path("artifact_uri").asText(), root);
        ObjectNode mark = Api.object().put("action", "tag").put("name", DONE).put("value", from.toString());
        mark.putArray("runs").add(id);
        api.post(api.in("/runs/bulk"), mark);
        count("runs", 1);
    }

    private boolean isDone(String id) {
        try {
            return api.get(api.in("/runs/" + Api.encode(id))).path("tags").has(DONE);
        } catch (CliException e) {
            if (e.exit() == Exit.NOT_FOUND) {
                return false;
            }
            throw e;
        }
    }

    private static String trimmed(String uri) {
        return uri.replaceFirst("/+$", "");
    }

    private void copy(String uri, String root) throws IOException {
        String own = root.replaceFirst("^mlflow-artifacts:/+", "");
        if (own.equals(root)) {
            return;
        }
        for (ImportSource.ArtifactFile file : from.files(uri)) {
            api.putStream("/api/2.0/mlflow-artifacts/artifacts/" + Downloads.encoded(own + "/" + file.path()), () -> {
                try {
                    return file.content().open();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            count("files", 1);
        }
    }

    private void loggedModel(JsonNode model, String experiment, String location) throws IOException {
        ObjectNode told = model.deepCopy();
        ObjectNode info = (ObjectNode) told.path("info");
        String id = info.path("model_id").asText();
        String root = location + "/models/" + id + "/artifacts";
        String was = trimmed(info.path("artifact_uri").asText());
        moved.put(was, root);
        moved.put("models:/" + id, root);
        info.put("experiment_id", experiment);
        if (api.post(api.in("/import/logged-models"), told).path("fresh").asBoolean()) {
            count("logged_models", 1);
        }
        copy(was, root);
    }

    private void registry() throws IOException {
        List<JsonNode> models = from.models();
        var progress = new Progress("models");
        int done = 0;
        for (JsonNode model : models) {
            api.post(api.in("/import/models"), model);
            count("models", 1);
            String name = model.path("name").asText();
            for (JsonNode version : from.versions(name)) {
                ObjectNode told = version.deepCopy();
                here(version.path("source").asText())
                        .or(() -> here("models:/" + version.path("model_id").asText("?")))
                        .ifPresent(location -> told.put("location", location));
                if (api.post(api.in("/import/versions"), told).path("fresh").asBoolean()) {
                    count("versions", 1);
                }
            }
            for (JsonNode alias : model.path("aliases")) {
                api.put(
                        api.in("/models/" + Api.encode(name) + "/aliases/"
                                + Api.encode(alias.path("alias").asText())),
                        Api.object().put("version", alias.path("version").asInt()),
                        Optional.empty());
                count("aliases", 1);
            }
            progress.update(++done, models.size(), name);
        }
        progress.done(counts.path("versions").asLong() + " versions of " + models.size() + " models");
    }

    /** Where a source lies now: below the place to which the longest part of its address has moved. */
    private Optional<String> here(String source) {
        String place = trimmed(source);
        for (String known = place; !known.isEmpty(); ) {
            String root = moved.get(known);
            if (root != null) {
                return Optional.of(root + place.substring(known.length()));
            }
            int slash = known.lastIndexOf('/');
            known = slash < 0 ? "" : known.substring(0, slash);
        }
        return Optional.empty();
    }
}
