package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** An {@code mlruns} folder, as MLflow wrote it before it took to databases. */
final class FolderSource implements ImportSource {
    private static final int BATCH = 1000;
    private static final int TRACES = 100;
    /** How many names at least tell a place of artifacts in such a folder: those of experiment, run and {@code artifacts}. */
    private static final int PLACE = 3;

    private static final List<String> STATUS = List.of("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED");
    private static final List<String> MODEL_STATUS = List.of(
            "LOGGED_MODEL_STATUS_UNSPECIFIED",
            "LOGGED_MODEL_PENDING",
            "LOGGED_MODEL_READY",
            "LOGGED_MODEL_UPLOAD_FAILED");

    private final Path root;
    private final ReadableFolders readable;
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
        this.readable = new ReadableFolders(all);
        this.local = new LocalFiles(readable, named);
        this.omissions = omissions;
    }

    private void damaged(Path file, String why) {
        omissions.add("file " + root.relativize(file), why);
    }

    /** Whether a place may be read; that it may not is noted. */
    private boolean isReadable(Path place) {
        Optional<String> refusal = readable.refusal(place);
        refusal.ifPresent(why -> damaged(place, why));
        return refusal.isEmpty();
    }

    private List<Path> folders(Path parent) throws IOException {
        if (!Files.isDirectory(parent) || !isReadable(parent)) {
            return List.of();
        }
        try (var entries = Files.list(parent)) {
            return entries.filter(Files::isDirectory)
                    .filter(this::isReadable)
                    .sorted()
                    .toList();
        }
    }

    /** Files below a folder that may be read; others are noted. */
    private List<ReadableFolders.Found> contents(Path folder) throws IOException {
        if (!Files.isDirectory(folder) || !isReadable(folder)) {
            return List.of();
        }
        var list = new ArrayList<ReadableFolders.Found>();
        for (ReadableFolders.Found found : readable.files(folder)) {
            found.refusal().ifPresentOrElse(why -> damaged(folder.resolve(found.path()), why), () -> list.add(found));
        }
        return list;
    }

    private Optional<ObjectNode> meta(Path folder) throws IOException {
        return yaml(folder.resolve("meta.yaml"));
    }

    private Optional<ObjectNode> yaml(Path file) throws IOException {
        if (!Files.isRegularFile(file) || !isReadable(file)) {
            return Optional.empty();
        }
        try {
            Object loaded = new Load(LoadSettings.builder().build()).loadFromString(Files.readString(file));
            if (loaded instanceof Map<?, ?> map && Api.JSON.valueToTree(map) instanceof ObjectNode object) {
                return Optional.of(object);
            }
            damaged(file, "it is no mapping");
        } catch (org.snakeyaml.engine.v2.exceptions.YamlEngineException | CharacterCodingException e) {
            damaged(
                    file,
                    "it is no YAML: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        }
        return Optional.empty();
    }

    /** Files whose names, folders among them, are keys and whose contents are values. */
    private ArrayNode entries(Path folder) throws IOException {
        ArrayNode list = Api.JSON.createArrayNode();
        for (ReadableFolders.Found found : contents(folder)) {
            try {
                String value = Files.readString(found.file());
                list.addObject().put("key", found.path()).put("value", value);
            } catch (CharacterCodingException e) {
                damaged(folder.resolve(found.path()), "it is no UTF-8");
            }
        }
        return list;
    }

    private List<Path> experimentFolders() throws IOException {
        var all = new ArrayList<Path>();
        for (Path parent : List.of(root, root.resolve(".trash"))) {
            for (Path folder : folders(parent)) {
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
            Optional<ObjectNode> meta = meta(folder);
            if (meta.isPresent()) {
                meta.get().set("tags", entries(folder.resolve("tags")));
                meta.get().put("experiment_id", folder.getFileName().toString());
                list.add(meta.get());
            }
        }
        return list;
    }

    @Override
    public void runs(String experimentId, Consumer<JsonNode> each) throws IOException {
        Path experiment = experimentFolder(experimentId);
        for (Path folder : folders(experiment)) {
            if (List.of("tags", "datasets", "models", "traces")
                    .contains(folder.getFileName().toString())) {
                continue;
            }
            Optional<ObjectNode> meta = meta(folder);
            if (meta.isEmpty() || !meta.get().has("run_id")) {
                continue;
            }
            ObjectNode info = meta.get();
            info.put("status", STATUS.get(Math.clamp(info.path("status").asInt(3), 0, 5)));
            info.put("experiment_id", experimentId);
            info.remove("tags");
            ObjectNode run = Api.object();
            run.set("info", info);
            ObjectNode data = run.putObject("data");
            data.set("params", entries(folder.resolve("params")));
            data.set("tags", entries(folder.resolve("tags")));
            linked(experiment, folder, run);
            each.accept(run);
        }
    }

    /** Data that the run has read and models that it has made. */
    private void linked(Path experiment, Path folder, ObjectNode run) throws IOException {
        for (Path input : folders(folder.resolve("inputs"))) {
            Optional<ObjectNode> link = meta(input);
            if (link.isEmpty()) {
                continue;
            }
            if (link.get().path("source_type").asText().equals("DATASET")) {
                Optional<ObjectNode> dataSet = meta(experiment
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
        for (Path output : folders(folder.resolve("outputs"))) {
            meta(output)
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
        for (ReadableFolders.Found found : contents(folder)) {
            String key = found.path();
            try (var lines = Files.lines(found.file())) {
                lines.map(line -> point(folder.resolve(key), key, line))
                        .flatMap(Optional::stream)
                        .forEach(point -> {
                            batch.add(point);
                            if (batch.size() == BATCH) {
                                each.accept(List.copyOf(batch));
                                batch.clear();
                            }
                        });
            }
        }
        if (!batch.isEmpty()) {
            each.accept(batch);
        }
    }

    /** A line of time, value and, since MLflow 1.0, step; of a model's metrics also the run, and name and digest of the data. */
    private Optional<ObjectNode> point(Path file, String key, String line) {
        String[] words = line.strip().split(" ");
        try {
            ObjectNode point = Api.object()
                    .put("key", key)
                    .put("timestamp", Long.parseLong(words[0]))
                    .put("step", words.length > 2 ? Long.parseLong(words[2]) : 0L);
            switch (words[1].toLowerCase(java.util.Locale.ROOT)) {
                case "nan" -> point.put("value", "NaN");
                case "inf", "infinity" -> point.put("value", "Infinity");
                case "-inf", "-infinity" -> point.put("value", "-Infinity");
                default -> point.put("value", Double.parseDouble(words[1]));
            }
            return Optional.of(point);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            damaged(file, "'" + line.substring(0, Math.min(line.length(), 80)) + "' is no line of a metric");
            return Optional.empty();
        }
    }

    private void measured(Path folder, ArrayNode metrics) throws IOException {
        for (ReadableFolders.Found found : contents(folder)) {
            for (String line : Files.readAllLines(found.file())) {
                String[] words = line.strip().split(" ");
                point(folder.resolve(found.path()), found.path(), line).ifPresent(point -> {
                    point.put("run_id", words.length > 3 ? words[3] : "");
                    if (words.length == 6) {
                        point.put("dataset_name", words[4]).put("dataset_digest", words[5]);
                    }
                    metrics.add(point);
                });
            }
        }
    }

    @Override
    public void loggedModels(String experimentId, Consumer<JsonNode> each) throws IOException {
        for (Path folder : folders(experimentFolder(experimentId).resolve("models"))) {
            Optional<ObjectNode> meta = meta(folder);
            if (meta.isEmpty()) {
                continue;
            }
            if (meta.get().path("lifecycle_stage").asText().equals("deleted")) {
                deletedModels.add(folder.getFileName().toString());
                continue;
            }
            ObjectNode told = meta.get();
            ObjectNode model = Api.object();
            ObjectNode info = model.putObject("info")
                    .put("model_id", folder.getFileName().toString())
                    .put("experiment_id", experimentId)
                    .put("name", told.path("name").asText())
                    .put("model_type", told.path("model_type").asText(""))
                    .put("source_run_id", told.path("source_run_id").asText(""))
                    .put(
                            "creation_timestamp_ms",
                            told.path("creation_timestamp").asLong())
                    .put(
                            "last_updated_timestamp_ms",
                            told.path("last_updated_timestamp").asLong())
                    .put("artifact_uri", told.path("artifact_location").asText())
                    .put(
                            "status",
                            MODEL_STATUS.get(Math.clamp(told.path("status").asInt(2), 0, 3)));
            info.set("tags", entries(folder.resolve("tags")));
            ObjectNode data = model.putObject("data");
            data.set("params", entries(folder.resolve("params")));
            measured(folder.resolve("metrics"), data.putArray("metrics"));
            each.accept(model);
        }
    }

    @Override
    public void traces(String experimentId, Batch each) throws IOException {
        var batch = new ArrayList<JsonNode>();
        for (Path folder : folders(experimentFolder(experimentId).resolve("traces"))) {
            Optional<ObjectNode> told = yaml(folder.resolve("trace_info.yaml"));
            if (told.isEmpty()) {
                continue;
            }
            ObjectNode info = TraceMessages.info(told.get());
            info.set("tags", TraceMessages.texts(entries(folder.resolve("tags"))));
            info.set("trace_metadata", TraceMessages.texts(entries(folder.resolve("request_metadata"))));
            ArrayNode assessments = info.putArray("assessments");
            for (ReadableFolders.Found found : contents(folder.resolve("assessments"))) {
                yaml(found.file()).ifPresent(assessments::add);
            }
            batch.add(info);
            if (batch.size() == TRACES) {
                each.take(List.copyOf(batch));
                batch.clear();
            }
        }
        each.take(batch);
    }

    @Override
    public List<JsonNode> models() throws IOException {
        var list = new ArrayList<JsonNode>();
        for (Path folder : folders(root.resolve("models"))) {
            Optional<ObjectNode> meta = meta(folder);
            if (meta.isPresent()) {
                ObjectNode model = meta.get();
                model.set("tags", entries(folder.resolve("tags")));
                ArrayNode aliases = Api.JSON.createArrayNode();
                entries(folder.resolve("aliases"))
                        .forEach(entry -> aliases.addObject()
                                .put("alias", entry.path("key").asText())
                                .put("version", entry.path("value").asText().strip()));
                model.set("aliases", aliases);
                list.add(model);
            }
        }
        return list;
    }

    @Override
    public List<JsonNode> versions(String model) throws IOException {
        var list = new ArrayList<JsonNode>();
        for (JsonNode known : models()) {
            if (!known.path("name").asText().equals(model)) {
                continue;
            }
            for (Path folder : folders(root.resolve("models").resolve(model))) {
                if (folder.getFileName().toString().startsWith("version-")) {
                    Optional<ObjectNode> meta = meta(folder);
                    if (meta.isPresent()
                            && !meta.get().path("current_stage").asText().equals("Deleted_Internal")) {
                        meta.get().set("tags", entries(folder.resolve("tags")));
                        list.add(meta.get());
                    }
                }
            }
        }
        return list;
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
