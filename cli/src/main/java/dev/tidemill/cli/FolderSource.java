package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** An {@code mlruns} folder, as MLflow wrote it before it took to databases. */
final class FolderSource implements ImportSource {
    private static final int BATCH = 1000;
    private static final int TRACES = 100;
    /** How many names at least tell a place of artifacts in such a folder: those of experiment, run and {@code artifacts}. */
    private static final int PLACE = 3;

    /** Points of a logged model's metrics, which are taken in at once. */
    private static final int MOST_MEASURED = 100_000;

    private static final List<String> STATUS = List.of("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED");
    private static final List<String> MODEL_STATUS = List.of(
            "LOGGED_MODEL_STATUS_UNSPECIFIED",
            "LOGGED_MODEL_PENDING",
            "LOGGED_MODEL_READY",
            "LOGGED_MODEL_UPLOAD_FAILED");

    private final Path root;
    private final FolderContents within;
    private final LocalFiles local;
    private final Omissions omissions;
    private final Set<String> deletedModels = new HashSet<>();

    /**
     * @param named folders that may be read beside it; where a server kept what it calls {@code mlflow-artifacts:}
     * @param omissions where files that cannot be read are noted
     */
    FolderSource(Path root, List<Path> named, Omissions omissions) throws IOException {
        var all = new ArrayList<>(named);
        all.add(root);
        this.root = root;
        var readable = new ReadableFolders(all);
        this.within = new FolderContents(root, readable, omissions);
        this.local = new LocalFiles(readable, named);
        this.omissions = omissions;
    }

    /** Makes something of a folder. */
    @FunctionalInterface
    private interface Making<T> {
        Optional<T> of() throws IOException;
    }

    /** What is made of a folder; what cannot be made for something in it is noted, and what lies beside it is not touched by that. */
    private <T> Optional<T> made(Path folder, Making<T> making) throws IOException {
        var made = new ArrayList<T>(1);
        omissions.attempt("folder " + root.relativize(folder), () -> making.of().ifPresent(made::add));
        return made.stream().findFirst();
    }

    private List<Path> experimentFolders() throws IOException {
        var all = new ArrayList<Path>();
        for (Path parent : List.of(root, root.resolve(".trash"))) {
            for (Path folder : within.folders(parent)) {
                if (folder.getFileName().toString().matches("\\d+")) {
                    all.add(folder);
                }
            }
        }
        return all;
    }

    private Path experimentFolder(String id) {
        Path there = root.resolve(id);
        return Files.isDirectory(there) ? there : root.resolve(".trash").resolve(id);
    }

    @Override
    public List<JsonNode> experiments() throws IOException {
        var list = new ArrayList<JsonNode>();
        for (Path folder : experimentFolders()) {
            made(folder, () -> {
                        Optional<ObjectNode> meta = within.meta(folder);
                        if (meta.isPresent()) {
                            meta.get().set("tags", within.entries(folder.resolve("tags")));
                            meta.get().put("experiment_id", folder.getFileName().toString());
                        }
                        return meta;
                    })
                    .ifPresent(list::add);
        }
        return list;
    }

    @Override
    public void runs(String experimentId, Consumer<JsonNode> each) throws IOException {
        Path experiment = experimentFolder(experimentId);
        for (Path folder : within.folders(experiment)) {
            if (List.of("tags", "datasets", "models", "traces")
                    .contains(folder.getFileName().toString())) {
                continue;
            }
            made(folder, () -> run(experimentId, experiment, folder)).ifPresent(each);
        }
    }

    private Optional<ObjectNode> run(String experimentId, Path experiment, Path folder) throws IOException {
        Optional<ObjectNode> meta = within.meta(folder);
        if (meta.isEmpty() || !meta.get().has("run_id")) {
            return Optional.empty();
        }
        ObjectNode info = meta.get();
        info.put("status", STATUS.get(Math.clamp(info.path("status").asInt(3), 0, 5)));
        info.put("experiment_id", experimentId);
        info.remove("tags");
        ObjectNode run = Api.object();
        run.set("info", info);
        ObjectNode data = run.putObject("data");
        data.set("params", within.entries(folder.resolve("params")));
        data.set("tags", within.entries(folder.resolve("tags")));
        linked(experiment, folder, run);
        return Optional.of(run);
    }

    /** Data that the run has read and models that it has made. */
    private void linked(Path experiment, Path folder, ObjectNode run) throws IOException {
        for (Path input : within.folders(folder.resolve("inputs"))) {
            Optional<ObjectNode> link = within.meta(input);
            if (link.isEmpty()) {
                continue;
            }
            if (link.get().path("source_type").asText().equals("DATASET")) {
                Optional<ObjectNode> dataSet = within.meta(experiment
                        .resolve("datasets")
                        .resolve(link.get().path("source_id").asText()));
                if (dataSet.isPresent()) {
                    ObjectNode entry = run.withObject("/inputs")
                            .withArray("dataset_inputs")
                            .addObject();
                    entry.set("dataset", dataSet.get());
                    ArrayNode tags = entry.putArray("tags");
                    link.get()
                            .path("tags")
                            .properties()
                            .forEach(tag -> tags.addObject()
                                    .put("key", tag.getKey())
                                    .put("value", tag.getValue().asText()));
                }
            } else {
                run.withObject("/inputs")
                        .withArray("model_inputs")
                        .addObject()
                        .put("model_id", link.get().path("source_id").asText());
            }
        }
        for (Path output : within.folders(folder.resolve("outputs"))) {
            within.meta(output)
                    .ifPresent(link -> run.withObject("/outputs")
                            .withArray("model_outputs")
                            .addObject()
                            .put("model_id", link.path("destination_id").asText())
                            .put("step", link.path("step").asLong()));
        }
    }

    @Override
    public void points(JsonNode run, Consumer<List<JsonNode>> each) throws IOException {
        JsonNode info = run.path("info");
        Path folder = experimentFolder(info.path("experiment_id").asText())
                .resolve(info.path("run_id").asText())
                .resolve("metrics");
        var batch = new ArrayList<JsonNode>();
        for (ReadableFolders.Found found : within.contents(folder)) {
            within.lines(folder, found, Long.MAX_VALUE, (point, words) -> {
                batch.add(point);
                if (batch.size() == BATCH) {
                    each.accept(List.copyOf(batch));
                    batch.clear();
                }
            });
        }
        if (!batch.isEmpty()) {
            each.accept(batch);
        }
    }

    private void measured(Path folder, ArrayNode metrics) throws IOException {
        for (ReadableFolders.Found found : within.contents(folder)) {
            within.lines(folder, found, MOST_MEASURED - metrics.size(), (point, words) -> {
                point.put("run_id", words.length > 3 ? words[3] : "");
                if (words.length == 6) {
                    point.put("dataset_name", words[4]).put("dataset_digest", words[5]);
                }
                metrics.add(point);
            });
        }
    }

    @Override
    public void loggedModels(String experimentId, Consumer<JsonNode> each) throws IOException {
        for (Path folder : within.folders(experimentFolder(experimentId).resolve("models"))) {
            made(folder, () -> loggedModel(experimentId, folder)).ifPresent(each);
        }
    }

    private Optional<ObjectNode> loggedModel(String experimentId, Path folder) throws IOException {
        Optional<ObjectNode> meta = within.meta(folder);
        if (meta.isEmpty()) {
            return Optional.empty();
        }
        if (meta.get().path("lifecycle_stage").asText().equals("deleted")) {
            deletedModels.add(folder.getFileName().toString());
            return Optional.empty();
        }
        ObjectNode told = meta.get();
        ObjectNode model = Api.object();
        ObjectNode info = model.putObject("info")
                .put("model_id", folder.getFileName().toString())
                .put("experiment_id", experimentId)
                .put("name", told.path("name").asText())
                .put("model_type", told.path("model_type").asText(""))
                .put("source_run_id", told.path("source_run_id").asText(""))
                .put("creation_timestamp_ms", told.path("creation_timestamp").asLong())
                .put(
                        "last_updated_timestamp_ms",
                        told.path("last_updated_timestamp").asLong())
                .put("artifact_uri", told.path("artifact_location").asText())
                .put("status", MODEL_STATUS.get(Math.clamp(told.path("status").asInt(2), 0, 3)));
        info.set("tags", within.entries(folder.resolve("tags")));
        ObjectNode data = model.putObject("data");
        data.set("params", within.entries(folder.resolve("params")));
        measured(folder.resolve("metrics"), data.putArray("metrics"));
        return Optional.of(model);
    }

    @Override
    public void traces(String experimentId, Batch each) throws IOException {
        var batch = new ArrayList<JsonNode>();
        for (Path folder : within.folders(experimentFolder(experimentId).resolve("traces"))) {
            made(folder, () -> trace(folder)).ifPresent(batch::add);
            if (batch.size() == TRACES) {
                each.take(List.copyOf(batch));
                batch.clear();
            }
        }
        each.take(batch);
    }

    private Optional<ObjectNode> trace(Path folder) throws IOException {
        Optional<ObjectNode> told = within.yaml(folder.resolve("trace_info.yaml"));
        if (told.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode info = TraceMessages.info(told.get());
        info.set("tags", TraceMessages.texts(within.entries(folder.resolve("tags"))));
        info.set("trace_metadata", TraceMessages.texts(within.entries(folder.resolve("request_metadata"))));
        ArrayNode assessments = info.putArray("assessments");
        for (ReadableFolders.Found found : within.contents(folder.resolve("assessments"))) {
            within.yaml(found.file()).ifPresent(assessments::add);
        }
        return Optional.of(info);
    }

    @Override
    public List<JsonNode> models() throws IOException {
        var list = new ArrayList<JsonNode>();
        for (Path folder : within.folders(root.resolve("models"))) {
            made(folder, () -> model(folder)).ifPresent(list::add);
        }
        return list;
    }

    private Optional<ObjectNode> model(Path folder) throws IOException {
        Optional<ObjectNode> model = within.meta(folder);
        if (model.isPresent()) {
            model.get().set("tags", within.entries(folder.resolve("tags")));
            ArrayNode aliases = model.get().putArray("aliases");
            within.entries(folder.resolve("aliases"))
                    .forEach(entry -> aliases.addObject()
                            .put("alias", entry.path("key").asText())
                            .put("version", entry.path("value").asText().strip()));
        }
        return model;
    }

    @Override
    public List<JsonNode> versions(String model) throws IOException {
        var list = new ArrayList<JsonNode>();
        for (JsonNode known : models()) {
            if (!known.path("name").asText().equals(model)) {
                continue;
            }
            for (Path folder : within.folders(root.resolve("models").resolve(model))) {
                if (folder.getFileName().toString().startsWith("version-")) {
                    made(folder, () -> version(folder)).ifPresent(list::add);
                }
            }
        }
        return list;
    }

    private Optional<ObjectNode> version(Path folder) throws IOException {
        Optional<ObjectNode> version = within.meta(folder)
                .filter(meta -> !meta.path("current_stage").asText().equals("Deleted_Internal"));
        if (version.isPresent()) {
            version.get().set("tags", within.entries(folder.resolve("tags")));
        }
        return version;
    }

    @Override
    public List<String> leftBehind() {
        var list = new ArrayList<String>();
        if (!deletedModels.isEmpty()) {
            list.add(deletedModels.size() + " deleted logged models are not taken along");
        }
        list.addAll(local.leftBehind());
        return list;
    }

    @Override
    public List<ArtifactFile> files(String uri) throws IOException {
        Optional<Path> said = local.folder(uri);
        if (said.isEmpty() || local.holds(said.get())) {
            return local.files(uri);
        }
        // The folder may have been moved or copied since its addresses were written: look at the same place below it.
        for (int first = 1; first + PLACE <= said.get().getNameCount(); first++) {
            Path here = root.resolve(said.get().subpath(first, said.get().getNameCount()));
            if (local.holds(here)) {
                return local.files(here.toUri().toString());
            }
        }
        int inside = uri.indexOf("/mlruns/");
        return local.files(
                inside < 0 || Files.isDirectory(said.get())
                        ? uri
                        : root.resolve(uri.substring(inside + "/mlruns/".length()))
                                .toString());
    }

    @Override
    public void close() {
        // nothing is held open
    }

    @Override
    public String toString() {
        return root.toString();
    }
}
