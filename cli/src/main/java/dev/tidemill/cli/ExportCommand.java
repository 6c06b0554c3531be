package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill export}: everything that MLflow can take in, as an mlruns folder. */
@Command(
        name = "export",
        description =
                "Write a project's experiments, runs, artifacts and models as an mlruns folder, which MLflow reads.",
        mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {
    private static final List<String> STATUS = List.of("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED");
    private static final List<String> MODEL_STATUS = List.of(
            "LOGGED_MODEL_STATUS_UNSPECIFIED",
            "LOGGED_MODEL_PENDING",
            "LOGGED_MODEL_READY",
            "LOGGED_MODEL_UPLOAD_FAILED");

    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "DIR", description = "Folder to write; it must be empty or missing")
    private Path target = Path.of("mlruns");

    @Option(names = "--no-artifacts", description = "Leave the files of runs and models out")
    private boolean withoutArtifacts;

    private final Dump yaml = new Dump(DumpSettings.builder().build());

    @Override
    public Integer call() throws IOException {
        Path root = target.toAbsolutePath().normalize();
        if (Files.isDirectory(root)) {
            try (var entries = Files.list(root)) {
                if (entries.findAny().isPresent()) {
                    throw new CliException(Exit.CONFLICT, root + " is not empty");
                }
            }
        }
        Api api = connection.api();
        long[] counts = new long[3];
        try (var server = new ServerSource(api.server(), api.project(), connection.authorities())) {
            var progress = new Progress("export");
            List<JsonNode> experiments = server.experiments();
            for (JsonNode experiment : experiments) {
                counts[0]++;
                counts[1] += experiment(server, experiment, root, progress);
            }
            for (JsonNode model : server.models()) {
                counts[2]++;
                model(server, model, root);
            }
            progress.done(counts[1] + " runs, " + counts[2] + " models to " + root);
        }
        if (connection.json()) {
            System.out.println(Api.object()
                    .put("experiments", counts[0])
                    .put("runs", counts[1])
                    .put("models", counts[2])
                    .put("folder", root.toString()));
        }
        return Exit.OK;
    }

    private void meta(Path folder, Map<String, Object> values) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("meta.yaml"), yaml.dumpToString(values));
    }

    /** A file a key; keys with slashes become folders, as MLflow writes them. */
    private static void entries(Path folder, JsonNode list) throws IOException {
        for (JsonNode entry : list) {
            Path file = folder.resolve(entry.path("key").asText()).normalize();
            if (!file.startsWith(folder)) {
                throw new CliException(
                        Exit.FAILURE,
                        "A key leads out of its folder: " + entry.path("key").asText());
            }
            Files.createDirectories(file.getParent());
            Files.writeString(file, entry.path("value").asText());
        }
    }

    private int experiment(ServerSource server, JsonNode experiment, Path root, Progress progress) throws IOException {
        String id = experiment.path("experiment_id").asText();
        boolean deleted = experiment.path("lifecycle_stage").asText().equals("deleted");
        Path folder = (deleted ? root.resolve(".trash") : root).resolve(id);
        var about = new LinkedHashMap<String, Object>();
        about.put("artifact_location", folder.toUri().toString());
        about.put("creation_time", experiment.path("creation_time").asLong());
        about.put("experiment_id", id);
        about.put("last_update_time", experiment.path("last_update_time").asLong());
        about.put("lifecycle_stage", experiment.path("lifecycle_stage").asText());
        about.put("name", experiment.path("name").asText());
        meta(folder, about);
        entries(folder.resolve("tags"), experiment.path("tags"));
        var runs = new java.util.ArrayList<JsonNode>();
        server.runs(id, runs::add);
        for (int i = 0; i < runs.size(); i++) {
            run(server, runs.get(i), folder);
            progress.update(i + 1, runs.size(), experiment.path("name").asText());
        }
        var models = new java.util.ArrayList<JsonNode>();
        server.loggedModels(id, models::add);
        for (JsonNode model : models) {
            loggedModel(server, model, folder);
        }
        return runs.size();
    }

    private void run(ServerSource server, JsonNode run, Path experiment) throws IOException {
        JsonNode info = run.path("info");
        Path folder = experiment.resolve(info.path("run_id").asText());
        var about = new LinkedHashMap<String, Object>();
        about.put("artifact_uri", folder.resolve("artifacts").toUri().toString());
        about.put(
                "end_time", info.hasNonNull("end_time") ? info.path("end_time").asLong() : null);
        about.put("entry_point_name", "");
        about.put("experiment_id", info.path("experiment_id").asText());
        about.put("lifecycle_stage", info.path("lifecycle_stage").asText());
        about.put("run_id", info.path("run_id").asText());
        about.put("run_name", info.path("run_name").asText());
        about.put("run_uuid", info.path("run_id").asText());
        about.put("source_name", "");
        about.put("source_type", 4);
        about.put("source_version", "");
        about.put("start_time", info.path("start_time").asLong());
        about.put("status", Math.max(1, STATUS.indexOf(info.path("status").asText())));
        about.put("tags", List.of());
        about.put("user_id", info.path("user_id").asText());
        meta(folder, about);
        for (String part : List.of("params", "tags", "metrics", "artifacts")) {
            Files.createDirectories(folder.resolve(part));
        }
        entries(folder.resolve("params"), run.path("data").path("params"));
        entries(folder.resolve("tags"), run.path("data").path("tags"));
        Path metrics = folder.resolve("metrics");
        var lines = new LinkedHashMap<String, StringBuilder>();
        server.points(
                run,
                batch -> batch.forEach(
                        point -> lines.computeIfAbsent(point.path("key").asText(), key -> new StringBuilder())
                                .append(point.path("timestamp").asLong())
                                .append(' ')
                                .append(point.path("value").asText().toLowerCase(java.util.Locale.ROOT))
                                .append(' ')
                                .append(point.path("step").asLong())
                                .append('\n')));
        for (Map.Entry<String, StringBuilder> metric : lines.entrySet()) {
            Path file = metrics.resolve(metric.getKey()).normalize();
            if (!file.startsWith(metrics)) {
                throw new CliException(Exit.FAILURE, "A metric's name leads out of its folder: " + metric.getKey());
            }
            Files.createDirectories(file.getParent());
            Files.writeString(file, metric.getValue());
        }
        files(server, info.path("artifact_uri").asText(), folder.resolve("artifacts"));
        linked(run, experiment, folder);
    }

    private void linked(JsonNode run, Path experiment, Path folder) throws IOException {
        String id = run.path("info").path("run_id").asText();
        int number = 0;
        for (JsonNode input : run.path("inputs").path("dataset_inputs")) {
            JsonNode dataSet = input.path("dataset");
            String key = dataSet.path("name").asText().replaceAll("[^\\w-]", "_") + "-"
                    + dataSet.path("digest").asText();
            var about = new LinkedHashMap<String, Object>();
            for (String field : List.of("digest", "name", "profile", "schema", "source", "source_type")) {
                about.put(field, dataSet.path(field).asText(""));
            }
            meta(experiment.resolve("datasets").resolve(key), about);
            var tags = new LinkedHashMap<String, Object>();
            input.path("tags")
                    .forEach(tag ->
                            tags.put(tag.path("key").asText(), tag.path("value").asText()));
            meta(folder.resolve("inputs").resolve("i" + number++), link(key, "DATASET", id, "RUN", tags));
        }
        for (JsonNode output : run.path("outputs").path("model_outputs")) {
            String model = output.path("model_id").asText();
            var about = link(model, "RUN_OUTPUT", model, "MODEL_OUTPUT", Map.of());
            about.put("step", output.path("step").asLong());
            meta(folder.resolve("outputs").resolve(model), about);
        }
    }

    private static Map<String, Object> link(
            String source, String sourceType, String destination, String destinationType, Map<String, Object> tags) {
        var link = new LinkedHashMap<String, Object>();
        link.put("destination_id", destination);
        link.put("destination_type", destinationType);
        link.put("source_id", source);
        link.put("source_type", sourceType);
        link.put("tags", tags);
        return link;
    }

    private void loggedModel(ServerSource server, JsonNode model, Path experiment) throws IOException {
        JsonNode info = model.path("info");
        Path folder = experiment.resolve("models").resolve(info.path("model_id").asText());
        var about = new LinkedHashMap<String, Object>();
        about.put("artifact_location", folder.resolve("artifacts").toUri().toString());
        about.put("creation_timestamp", info.path("creation_timestamp_ms").asLong());
        about.put("experiment_id", info.path("experiment_id").asText());
        about.put(
                "last_updated_timestamp", info.path("last_updated_timestamp_ms").asLong());
        about.put("lifecycle_stage", "active");
        about.put("model_id", info.path("model_id").asText());
        about.put("model_type", info.path("model_type").asText(""));
        about.put("name", info.path("name").asText());
        about.put("source_run_id", info.path("source_run_id").asText(""));
        about.put("status", Math.max(0, MODEL_STATUS.indexOf(info.path("status").asText())));
        about.put("status_message", null);
        meta(folder, about);
        Files.createDirectories(folder.resolve("artifacts"));
        entries(folder.resolve("tags"), info.path("tags"));
        entries(folder.resolve("params"), model.path("data").path("params"));
        files(server, info.path("artifact_uri").asText(), folder.resolve("artifacts"));
    }

    private void files(ServerSource server, String uri, Path folder) throws IOException {
        if (withoutArtifacts) {
            return;
        }
        for (ImportSource.ArtifactFile file : server.files(uri)) {
            Path path = folder.resolve(file.path()).normalize();
            if (!path.startsWith(folder)) {
                throw new CliException(Exit.FAILURE, "The server names a file outside of the folder: " + file.path());
            }
            Files.createDirectories(path.getParent());
            try (var content = file.content().open()) {
                Files.copy(content, path);
            }
        }
    }

    private void model(ServerSource server, JsonNode model, Path root) throws IOException {
        String name = model.path("name").asText();
        Path folder = root.resolve("models").resolve(name).normalize();
        if (!folder.startsWith(root.resolve("models"))) {
            throw new CliException(Exit.FAILURE, "A model's name leads out of the folder: " + name);
        }
        var about = new LinkedHashMap<String, Object>();
        about.put("creation_timestamp", model.path("creation_timestamp").asLong());
        about.put("description", model.path("description").asText(""));
        about.put("last_updated_timestamp", model.path("last_updated_timestamp").asLong());
        about.put("name", name);
        meta(folder, about);
        entries(folder.resolve("tags"), model.path("tags"));
        Files.createDirectories(folder.resolve("aliases"));
        for (JsonNode alias : model.path("aliases")) {
            Files.writeString(
                    folder.resolve("aliases").resolve(alias.path("alias").asText()),
                    alias.path("version").asText());
        }
        for (JsonNode version : server.versions(name)) {
            Path place = folder.resolve("version-" + version.path("version").asText());
            // The version's own files, wherever its source was: they do not change.
            server.copyVersion(name, version.path("version").asText(), place.resolve("artifacts"), withoutArtifacts);
            var said = new LinkedHashMap<String, Object>();
            said.put("creation_timestamp", version.path("creation_timestamp").asLong());
            said.put("current_stage", version.path("current_stage").asText("None"));
            said.put("description", version.path("description").asText(""));
            said.put(
                    "last_updated_timestamp",
                    version.path("last_updated_timestamp").asLong());
            said.put("name", name);
            said.put("run_id", version.path("run_id").asText(""));
            said.put("run_link", version.path("run_link").asText(""));
            said.put("source", version.path("source").asText());
            said.put("status", "READY");
            said.put("status_message", "");
            said.put("storage_location", place.resolve("artifacts").toUri().toString());
            said.put("user_id", version.path("user_id").asText(""));
            said.put("version", version.path("version").asLong());
            meta(place, said);
            entries(place.resolve("tags"), version.path("tags"));
        }
    }
}
