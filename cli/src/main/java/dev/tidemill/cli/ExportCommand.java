package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
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
                "Write a project's experiments, runs, artifacts, models and traces as an mlruns folder, which MLflow reads.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "What a folder cannot hold is listed at the end with its place and cause, and the exit code is 8 then: a metric 'loss/val'",
            "beside a metric 'loss', since a name is either a file or a folder, a name of more than 255 bytes, or an id with a slash."
        })
final class ExportCommand implements Callable<Integer> {
    private static final List<String> STATUS = List.of("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED");
    private static final List<String> MODEL_STATUS = List.of(
            "LOGGED_MODEL_STATUS_UNSPECIFIED",
            "LOGGED_MODEL_PENDING",
            "LOGGED_MODEL_READY",
            "LOGGED_MODEL_UPLOAD_FAILED");

    private static final List<String> LEFT = List.of(
            "Evaluation data sets, scorers and webhooks are not written", "Deleted model versions are not written");

    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "DIR", description = "Folder to write; it must be empty or missing")
    private Path target = Path.of("mlruns");

    @Option(names = "--no-artifacts", description = "Leave the files of runs and models out")
    private boolean withoutArtifacts;

    @Option(
            names = "--artifacts",
            paramLabel = "DIR",
            description = {
                "A folder of this machine whose files may be taken along, where runs name places in it themselves, as those of a",
                "server with --default-artifact-root file:DIR do. May be given again"
            })
    private List<Path> artifacts = List.of();

    private final Omissions omissions = new Omissions();
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
        try (var server = new ServerSource(
                api.server(),
                api.project(),
                connection.authorities(),
                LocalFiles.named(ReadableFolders.absolute(artifacts)))) {
            var progress = new Progress("export");
            List<JsonNode> experiments = server.experiments();
            for (JsonNode experiment : experiments) {
                counts[0]++;
                omissions.attempt(
                        "experiment '" + experiment.path("name").asText() + "'",
                        () -> counts[1] += experiment(server, experiment, root, progress));
            }
            for (JsonNode model : server.models()) {
                counts[2]++;
                omissions.attempt("model '" + model.path("name").asText() + "'", () -> model(server, model, root));
            }
            progress.done(counts[1] + " runs, " + counts[2] + " models to " + root);
        }
        if (connection.json()) {
            ObjectNode result = Api.object()
                    .put("experiments", counts[0])
                    .put("runs", counts[1])
                    .put("models", counts[2])
                    .put("folder", root.toString());
            LEFT.forEach(text -> result.withArray("left_behind").add(text));
            omissions.tell(result);
            System.out.println(result);
        } else {
            LEFT.forEach(text -> System.out.println("not: " + text));
        }
        omissions.print();
        return omissions.exit();
    }

    private void meta(Path folder, Map<String, Object> values) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("meta.yaml"), yaml.dumpToString(values));
    }

    /** A file a key; keys with slashes become folders, as MLflow writes them. */
    private void entries(String place, Path folder, JsonNode list) throws IOException {
        for (JsonNode entry : list) {
            String key = entry.path("key").asText();
            omissions.attempt(
                    place + ", " + folder.getFileName() + " '" + key + "'",
                    () -> write(
                            folder, FolderNames.key(key), entry.path("value").asText()));
        }
    }

    private static void write(Path folder, String key, String text) throws IOException {
        Path file = FolderNames.inside(folder, key);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private int experiment(ServerSource server, JsonNode experiment, Path root, Progress progress) throws IOException {
        String id = experiment.path("experiment_id").asText();
        boolean deleted = experiment.path("lifecycle_stage").asText().equals("deleted");
        Path folder = FolderNames.one(deleted ? root.resolve(".trash") : root, id);
        var about = new LinkedHashMap<String, Object>();
        about.put("artifact_location", folder.toUri().toString());
        about.put("creation_time", experiment.path("creation_time").asLong());
        about.put("experiment_id", id);
        about.put("last_update_time", experiment.path("last_update_time").asLong());
        about.put("lifecycle_stage", experiment.path("lifecycle_stage").asText());
        about.put("name", experiment.path("name").asText());
        meta(folder, about);
        String name = experiment.path("name").asText();
        entries("experiment '" + name + "'", folder.resolve("tags"), experiment.path("tags"));
        var runs = new java.util.ArrayList<JsonNode>();
        server.runs(id, runs::add);
        for (int i = 0; i < runs.size(); i++) {
            JsonNode run = runs.get(i);
            omissions.attempt(place(run), () -> run(server, run, folder));
            progress.update(i + 1, runs.size(), name);
        }
        var models = new java.util.ArrayList<JsonNode>();
        server.loggedModels(id, models::add);
        for (JsonNode model : models) {
            omissions.attempt(
                    "logged model " + model.path("info").path("model_id").asText(),
                    () -> loggedModel(server, model, folder));
        }
        server.traces(id, some -> {
            for (JsonNode trace : some) {
                omissions.attempt("trace " + trace.path("trace_id").asText(), () -> trace(server, trace, folder));
            }
        });
        return runs.size();
    }

    private void trace(ServerSource server, JsonNode info, Path experiment) throws IOException {
        String id = info.path("trace_id").asText();
        Path folder = FolderNames.one(experiment.resolve("traces"), id);
        Path artifacts = folder.resolve("artifacts");
        Files.createDirectories(artifacts);
        JsonNode spans = server.spans(info);
        Files.writeString(
                artifacts.resolve(TraceMessages.FILE), TraceMessages.file(spans).toString());
        ObjectNode tags = TraceMessages.texts(info.path("tags"));
        // MLflow looks for spans among the artifacts of a trace without this tag.
        tags.remove(TraceMessages.SPANS_TAG);
        tags.put(TraceMessages.LOCATION, artifacts.toUri().toString());
        texts("trace " + id, folder.resolve("tags"), tags);
        texts("trace " + id, folder.resolve("request_metadata"), info.path("trace_metadata"));
        // JSON is YAML in which a time in quotes stays a text for every reader.
        for (JsonNode assessment : info.path("assessments")) {
            String name = assessment.path("assessment_id").asText();
            omissions.attempt("trace " + id + ", assessment '" + name + "'", () -> {
                Path file = FolderNames.one(folder.resolve("assessments"), name + ".yaml");
                Files.createDirectories(file.getParent());
                Files.writeString(file, assessment.toString());
            });
        }
        ObjectNode about = info.deepCopy();
        about.remove(List.of("tags", "trace_metadata", "assessments"));
        if (about.remove("execution_duration") instanceof JsonNode took) {
            about.put(
                    "execution_duration_ms",
                    new BigDecimal(took.asText().replace("s", ""))
                            .movePointRight(3)
                            .longValue());
        }
        // Last, since a folder with this file is a trace.
        Files.writeString(folder.resolve("trace_info.yaml"), about.toString());
    }

    private void texts(String place, Path folder, JsonNode texts) throws IOException {
        Files.createDirectories(folder);
        for (Map.Entry<String, JsonNode> entry : texts.properties()) {
            omissions.attempt(
                    place + ", " + folder.getFileName() + " '" + entry.getKey() + "'",
                    () -> write(
                            folder,
                            FolderNames.key(entry.getKey()),
                            entry.getValue().asText()));
        }
    }

    private static String place(JsonNode run) {
        return "run " + run.path("info").path("run_id").asText();
    }

    private void run(ServerSource server, JsonNode run, Path experiment) throws IOException {
        JsonNode info = run.path("info");
        Path folder = FolderNames.one(experiment, info.path("run_id").asText());
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
        entries(place(run), folder.resolve("params"), run.path("data").path("params"));
        entries(place(run), folder.resolve("tags"), run.path("data").path("tags"));
        points(server, run, folder.resolve("metrics"));
        files(server, place(run), info.path("artifact_uri").asText(), folder.resolve("artifacts"));
        linked(run, experiment, folder);
    }

    /** A batch is of one metric, and one metric's batches follow one another. */
    private void points(ServerSource server, JsonNode run, Path metrics) throws IOException {
        var refused = new HashSet<String>();
        server.points(run, batch -> {
            if (batch.isEmpty()) {
                return;
            }
            String key = batch.getFirst().path("key").asText();
            if (refused.contains(key)) {
                return;
            }
            var lines = new StringBuilder();
            batch.forEach(point -> lines.append(line(point)).append('\n'));
            try {
                boolean written = omissions.attempt(place(run) + ", metrics '" + key + "'", () -> {
                    Path file = FolderNames.inside(metrics, FolderNames.key(key));
                    Files.createDirectories(file.getParent());
                    Files.writeString(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                });
                if (!written) {
                    refused.add(key);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static String line(JsonNode point) {
        return point.path("timestamp").asLong() + " "
                + point.path("value").asText().toLowerCase(java.util.Locale.ROOT) + " "
                + point.path("step").asLong();
    }

    private void linked(JsonNode run, Path experiment, Path folder) throws IOException {
        String id = run.path("info").path("run_id").asText();
        int number = 0;
        for (JsonNode input : run.path("inputs").path("dataset_inputs")) {
            JsonNode dataSet = input.path("dataset");
            String key = FolderNames.dataSet(
                    dataSet.path("name").asText(), dataSet.path("digest").asText());
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
            omissions.attempt(place(run) + ", output '" + model + "'", () -> {
                var about = link(model, "RUN_OUTPUT", model, "MODEL_OUTPUT", Map.of());
                about.put("step", output.path("step").asLong());
                meta(FolderNames.one(folder.resolve("outputs"), model), about);
            });
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
        Path folder = FolderNames.one(
                experiment.resolve("models"), info.path("model_id").asText());
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
        String place = "logged model " + info.path("model_id").asText();
        entries(place, folder.resolve("tags"), info.path("tags"));
        entries(place, folder.resolve("params"), model.path("data").path("params"));
        measured(place, folder.resolve("metrics"), model.path("data").path("metrics"));
        files(server, place, info.path("artifact_uri").asText(), folder.resolve("artifacts"));
    }

    /** Lines of time, value, step, run and, where they are known, name and digest of the data. */
    private void measured(String place, Path folder, JsonNode metrics) throws IOException {
        var lines = new LinkedHashMap<String, StringBuilder>();
        for (JsonNode metric : metrics) {
            String data = metric.path("dataset_name").asText("");
            if (data.contains(" ")) {
                omissions.add(
                        place + ", metrics '" + metric.path("key").asText() + "'",
                        "of its data set '" + data + "', whose name holds a space");
                data = "";
            }
            lines.computeIfAbsent(metric.path("key").asText(), key -> new StringBuilder())
                    .append(line(metric))
                    .append(' ')
                    .append(metric.path("run_id").asText())
                    .append(
                            data.isEmpty()
                                    ? ""
                                    : " " + data + " "
                                            + metric.path("dataset_digest").asText(""))
                    .append('\n');
        }
        for (Map.Entry<String, StringBuilder> metric : lines.entrySet()) {
            omissions.attempt(
                    place + ", metrics '" + metric.getKey() + "'",
                    () -> write(
                            folder,
                            FolderNames.key(metric.getKey()),
                            metric.getValue().toString()));
        }
    }

    private void files(ServerSource server, String place, String uri, Path folder) throws IOException {
        Files.createDirectories(folder);
        if (withoutArtifacts || uri.isEmpty()) {
            return;
        }
        omissions.attempt(place, () -> {
            for (ImportSource.ArtifactFile file : server.files(uri)) {
                omissions.attempt(place + ", file '" + file.path() + "'", () -> {
                    Path path = FolderNames.inside(folder, file.path());
                    Files.createDirectories(path.getParent());
                    try (var content = file.content().open()) {
                        Files.copy(content, path);
                    }
                });
            }
        });
    }

    private void model(ServerSource server, JsonNode model, Path root) throws IOException {
        String name = model.path("name").asText();
        Path folder = FolderNames.one(root.resolve("models"), name);
        var about = new LinkedHashMap<String, Object>();
        about.put("creation_timestamp", model.path("creation_timestamp").asLong());
        about.put("description", model.path("description").asText(""));
        about.put("last_updated_timestamp", model.path("last_updated_timestamp").asLong());
        about.put("name", name);
        meta(folder, about);
        entries("model '" + name + "'", folder.resolve("tags"), model.path("tags"));
        Files.createDirectories(folder.resolve("aliases"));
        for (JsonNode alias : model.path("aliases")) {
            String text = alias.path("alias").asText();
            omissions.attempt(
                    "model '" + name + "', alias '" + text + "'",
                    () -> write(
                            folder.resolve("aliases"),
                            text,
                            alias.path("version").asText()));
        }
        for (JsonNode version : server.versions(name)) {
            String place =
                    "model '" + name + "', version " + version.path("version").asText();
            omissions.attempt(
                    place,
                    () -> version(
                            server,
                            version,
                            place,
                            FolderNames.one(
                                    folder, "version-" + version.path("version").asText())));
        }
    }

    /** With the version's own files, wherever its source was: they do not change. */
    private void version(ServerSource server, JsonNode version, String place, Path folder) throws IOException {
        files(server, place, server.versionFiles(version), folder.resolve("artifacts"));
        var said = new LinkedHashMap<String, Object>();
        said.put("creation_timestamp", version.path("creation_timestamp").asLong());
        said.put("current_stage", version.path("current_stage").asText("None"));
        said.put("description", version.path("description").asText(""));
        said.put(
                "last_updated_timestamp", version.path("last_updated_timestamp").asLong());
        said.put("name", version.path("name").asText());
        said.put("run_id", version.path("run_id").asText(""));
        said.put("run_link", version.path("run_link").asText(""));
        said.put("source", version.path("source").asText());
        said.put("status", "READY");
        said.put("status_message", "");
        said.put("storage_location", folder.resolve("artifacts").toUri().toString());
        said.put("user_id", version.path("user_id").asText(""));
        said.put("version", version.path("version").asLong());
        meta(folder, said);
        entries(place, folder.resolve("tags"), version.path("tags"));
    }
}
