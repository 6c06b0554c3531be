package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Carries everything of a source over to a server. What is there already is completed, never doubled or changed; what cannot be
 * taken is noted, and tried again by the next import.
 */
final class MlflowImport {
    /** Set last, so that a run which has it needs no second look. */
    private static final String DONE = "tidemill.imported";

    private final Api api;
    private final Retry retry = new Retry(Duration.ofSeconds(30));
    private final ImportSource from;
    private final Omissions omissions;
    private final ObjectNode counts = Api.object();
    /** Where artifacts are now, by where they were. */
    private final Map<String, String> moved = new HashMap<>();

    /** Places here at which something is missing that should have come there. */
    private final Set<String> missing = new HashSet<>();

    private final Set<String> prompts = new HashSet<>();
    private final FileTransfer transfer;
    private final VersionFiles versionFiles;

    MlflowImport(Api api, ImportSource from, Omissions omissions) {
        this.api = api;
        this.from = from;
        this.omissions = omissions;
        this.transfer = new FileTransfer(api, () -> count("files", 1));
        this.versionFiles = new VersionFiles(api, retry, from, transfer);
    }

    /** Takes in a part; a server that is away for a moment is waited for. */
    private JsonNode post(String path, JsonNode told) {
        return retry.call(() -> api.post(api.in(path), told));
    }

    private void count(String what, long more) {
        counts.put(what, counts.path(what).asLong() + more);
    }

    ObjectNode run() throws IOException {
        // A server that is not there at all is told of at once.
        api.get("/v2/health/ready");
        for (String what : List.of(
                "experiments",
                "runs",
                "runs_already_here",
                "points",
                "files",
                "traces",
                "traces_already_here",
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
            String name = experiment.path("name").asText();
            omissions.attempt("experiment '" + name + "'", () -> experiment(experiment, progress));
            progress.update(++done, experiments.size(), name);
        }
        progress.done(counts.path("runs").asLong() + " runs of " + experiments.size() + " experiments");
        registry();
        return counts;
    }

    private void experiment(JsonNode experiment, Progress progress) throws IOException {
        JsonNode made = post("/import/experiments", experiment);
        count("experiments", 1);
        String name = experiment.path("name").asText();
        told("experiment '" + name + "'", made);
        String here = made.path("id").asText();
        String location = made.path("artifactLocation").asText();
        String there = experiment.path("experiment_id").asText();
        var runs = new ArrayList<JsonNode>();
        from.runs(there, runs::add);
        for (int i = 0; i < runs.size(); i++) {
            JsonNode run = runs.get(i);
            omissions.attempt(
                    "run " + run.path("info").path("run_id").asText() + " of experiment '" + name + "'",
                    () -> run(run, here, location));
            progress.update(i, runs.size(), name + ", run " + (i + 1) + " of " + runs.size());
        }
        var models = new ArrayList<JsonNode>();
        from.loggedModels(there, models::add);
        for (JsonNode model : models) {
            omissions.attempt(
                    "logged model " + model.path("info").path("model_id").asText() + " of experiment '" + name + "'",
                    () -> loggedModel(model, here, location));
        }
        from.traces(there, some -> traces(some, here));
    }

    /** Those that are here already are whole: a trace is taken in at once or not at all. */
    private void traces(List<JsonNode> some, String experiment) throws IOException {
        if (some.isEmpty()) {
            return;
        }
        ObjectNode asked = Api.object();
        ArrayNode ids = asked.putArray("trace_ids");
        some.forEach(info -> ids.add(info.path("trace_id").asText()));
        var known = new HashSet<String>();
        api.postToMlflow("/api/3.0/mlflow/traces/batchGetInfos", asked)
                .path("trace_infos")
                .forEach(info -> known.add(info.path("trace_id").asText()));
        for (JsonNode info : some) {
            String id = info.path("trace_id").asText();
            if (known.contains(id)) {
                count("traces_already_here", 1);
                continue;
            }
            omissions.attempt("trace " + id, () -> {
                ObjectNode told = Api.object();
                told.set("spans", from.spans(info));
                ObjectNode placed = info.deepCopy();
                placed.set("trace_location", TraceMessages.location(experiment));
                told.set("trace_info", placed);
                JsonNode answer = post("/import/traces", told);
                told("trace " + id, answer);
                count(answer.path("fresh").asBoolean() ? "traces" : "traces_already_here", 1);
            });
        }
    }

    /** Notes what the server says it has left out of an item that it has taken. */
    private void told(String place, JsonNode answer) {
        answer.path("left").forEach(left -> omissions.add(place, left.asText()));
    }

    private void run(JsonNode run, String experiment, String location) throws IOException {
        ObjectNode told = run.deepCopy();
        ObjectNode info = (ObjectNode) told.path("info");
        String id = info.path("run_id").asText(info.path("run_uuid").asText());
        String place = "run " + id;
        String root = location + "/" + id + "/artifacts";
        if (isDone(id)) {
            moved(info, "runs:/" + id, root);
            count("runs_already_here", 1);
            return;
        }
        int before = omissions.size();
        info.put("experiment_id", experiment);
        if (told.path("data") instanceof ObjectNode data) {
            data.remove("metrics");
        }
        JsonNode answer = post("/import/runs", told);
        moved(info, "runs:/" + id, root);
        missing.add(root);
        told(place, answer);
        // What the server leaves out it leaves out for good; what fails here may succeed later.
        int refused = omissions.size() - before;
        from.points(run, batch -> points(place, id, batch));
        missing.remove(root);
        copy(
                place,
                info.path("artifact_uri").asText(),
                root,
                answer.path("fresh").asBoolean());
        if (omissions.size() == before + refused) {
            ObjectNode mark =
                    Api.object().put("action", "tag").put("name", DONE).put("value", from.toString());
            mark.putArray("runs").add(id);
            api.post(api.in("/runs/bulk"), mark);
        }
        count("runs", 1);
    }

    /** Remembers where the artifacts of something that is here now are. */
    private void moved(JsonNode info, String name, String root) {
        moved.put(trimmed(info.path("artifact_uri").asText()), root);
        moved.put(name, root);
    }

    private void points(String place, String run, List<JsonNode> batch) {
        if (batch.isEmpty()) {
            return;
        }
        ObjectNode points = Api.object().put("run_id", run);
        ArrayNode list = points.putArray("metrics");
        batch.forEach(list::add);
        try {
            JsonNode answer = post("/import/points", points);
            told(place, answer);
            count("points", answer.path("points").asLong());
        } catch (CliException e) {
            if (e.exit() != Exit.FAILURE || batch.size() == 1) {
                if (e.exit() == Exit.PERMISSION || e.exit() == Exit.INTERRUPTED) {
                    throw e;
                }
                omissions.add(
                        place + ", metric '" + batch.getFirst().path("key").asText() + "'",
                        String.valueOf(e.getMessage()));
                return;
            }
            points(place, run, batch.subList(0, batch.size() / 2));
            points(place, run, batch.subList(batch.size() / 2, batch.size()));
        }
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

    /** @param fresh whether nothing of it can be here yet */
    private void copy(String place, String uri, String root, boolean fresh) throws IOException {
        String own = root.replaceFirst("^mlflow-artifacts:/+", "");
        if (uri.isEmpty()) {
            return;
        }
        boolean read = omissions.attempt(place, () -> {
            List<ImportSource.ArtifactFile> files = from.files(uri);
            if (own.equals(root)) {
                if (!files.isEmpty()) {
                    omissions.add(
                            place,
                            "its " + files.size() + " files stay at " + uri + ": new experiments here keep theirs at "
                                    + root + ", which this server does not write itself");
                }
                return;
            }
            Map<String, Long> here = fresh || files.isEmpty() ? Map.of() : retry.call(() -> api.artifacts(own));
            for (ImportSource.ArtifactFile file : files) {
                if (!Long.valueOf(file.bytes()).equals(here.get(file.path()))
                        && !omissions.attempt(place + ", file '" + file.path() + "'", () -> transfer.send(file, own))) {
                    missing.add(root + "/" + file.path());
                }
            }
        });
        if (!read) {
            missing.add(root);
        }
    }

    private void loggedModel(JsonNode model, String experiment, String location) throws IOException {
        ObjectNode told = model.deepCopy();
        ObjectNode info = (ObjectNode) told.path("info");
        String id = info.path("model_id").asText();
        String root = location + "/models/" + id + "/artifacts";
        String was = trimmed(info.path("artifact_uri").asText());
        info.put("experiment_id", experiment);
        JsonNode answer = post("/import/logged-models", told);
        moved(info, "models:/" + id, root);
        boolean fresh = answer.path("fresh").asBoolean();
        told("logged model " + id, answer);
        if (fresh) {
            count("logged_models", 1);
        }
        copy("logged model " + id, was, root, fresh);
    }

    private void registry() throws IOException {
        List<JsonNode> models = from.models();
        var progress = new Progress("models");
        var versions = new ArrayList<JsonNode>();
        for (JsonNode model : models) {
            String name = model.path("name").asText();
            omissions.attempt("model '" + name + "'", () -> {
                if (isPrompt(model)) {
                    prompts.add(name);
                }
                told("model '" + name + "'", post("/import/models", model));
                count("models", 1);
                versions.addAll(from.versions(name));
            });
        }
        // Copies last: their files are those of the versions that they were made from.
        versions.sort(Comparator.comparing(MlflowImport::isCopy));
        int done = 0;
        for (JsonNode version : versions) {
            String place = "model '" + version.path("name").asText() + "', version "
                    + version.path("version").asText();
            omissions.attempt(place, () -> version(version));
            progress.update(++done, versions.size(), place);
        }
        for (JsonNode model : models) {
            omissions.attempt("model '" + model.path("name").asText() + "'", () -> aliases(model));
        }
        progress.done(counts.path("versions").asLong() + " versions of " + models.size() + " models");
    }

    /** A prompt is its text, which its versions hold as a tag: the source that MLflow names for them stands for no files. */
    static boolean isPrompt(JsonNode model) {
        return model.path("tags")
                .valueStream()
                .anyMatch(tag -> tag.path("key").asText().equals("mlflow.prompt.is_prompt")
                        && tag.path("value").asText().equals("true"));
    }

    private static boolean isCopy(JsonNode version) {
        return version.path("source").asText().matches("models:/.+/\\d+");
    }

    private void version(JsonNode version) throws IOException {
        String name = version.path("name").asText();
        Optional<String> storage = prompts.contains(name) ? Optional.empty() : from.storage(version);
        Optional<String> location = withCopied(version).or(() -> storage.flatMap(this::here));
        if (location.isPresent() || storage.isEmpty() || versionFiles.areHere(version)) {
            Optional<String> place = location.or(() -> withMaker(version));
            take(version, place, "");
            place.ifPresent(files -> moved.put("models:/" + reference(version), files));
            return;
        }
        Optional<String> sent = versionFiles.send(version, storage.get());
        take(version, sent.or(() -> withMaker(version)), versionFiles.unread());
        sent.ifPresent(versionFiles::clear);
    }

    /** Whether something that belongs to a place is not there, so that no version is made of the rest. */
    private boolean isIncomplete(String place) {
        return missing.stream()
                .anyMatch(lost -> (lost + "/").startsWith(place + "/") || (place + "/").startsWith(lost + "/"));
    }

    private static String reference(JsonNode version) {
        return version.path("name").asText() + "/" + version.path("version").asText();
    }

    /** Where the files of a copy are: with the version that it was made from. */
    private Optional<String> withCopied(JsonNode version) {
        return isCopy(version) ? here(version.path("source").asText()) : Optional.empty();
    }

    /** Where the run or the logged model that a version was made of has its files, which may have changed since. */
    private Optional<String> withMaker(JsonNode version) {
        return here(version.path("source").asText())
                .or(() -> here("models:/" + version.path("model_id").asText("?")));
    }

    /**
     * @param location where its files are here; empty if they are not here
     * @param unread why they were not read, if that is known
     */
    private void take(JsonNode version, Optional<String> location, String unread) {
        String name = version.path("name").asText();
        String source = version.path("source").asText();
        ObjectNode told = version.deepCopy();
        location.ifPresent(place -> told.put("location", place));
        JsonNode answer = post("/import/versions", told);
        String where =
                "model '" + name + "', version " + version.path("version").asText();
        if (answer.path("fresh").asBoolean()) {
            count("versions", 1);
            told(where, answer);
        }
        if (answer.path("files").asBoolean() || prompts.contains(name)) {
            return;
        }
        if (location.isEmpty() && !source.isEmpty()) {
            omissions.add(
                    where,
                    "its files stay at " + source
                            + ": they cannot be read from there, and no run or model that was taken has them all"
                            + (unread.isEmpty() ? "" : ". " + unread));
        } else if (location.filter(VersionFiles::areSent).isPresent()) {
            omissions.add(
                    where,
                    "its files are not taken: a version of that number is here without files, and it was not taken from "
                            + source);
        }
    }

    /** An alias that is here already may have been moved since it was taken. */
    private void aliases(JsonNode model) throws IOException {
        String name = model.path("name").asText();
        if (model.path("aliases").isEmpty()) {
            return;
        }
        JsonNode here = api.get(api.in("/models/" + Api.encode(name))).path("aliases");
        for (JsonNode alias : model.path("aliases")) {
            String text = alias.path("alias").asText();
            if (here.has(text)) {
                continue;
            }
            omissions.attempt("model '" + name + "', alias '" + text + "'", () -> {
                api.put(
                        api.in("/models/" + Api.encode(name) + "/aliases/" + Api.encode(text)),
                        Api.object().put("version", alias.path("version").asInt()),
                        Optional.empty());
                count("aliases", 1);
            });
        }
    }

    /** Where a source lies now, with all that was there: below the place to which the longest part of its address has moved. */
    private Optional<String> here(String source) {
        String place = trimmed(source);
        for (String known = place; !known.isEmpty(); ) {
            String root = moved.get(known);
            if (root != null) {
                return Optional.of(root + place.substring(known.length())).filter(files -> !isIncomplete(files));
            }
            int slash = known.lastIndexOf('/');
            known = slash < 0 ? "" : known.substring(0, slash);
        }
        return Optional.empty();
    }
}
