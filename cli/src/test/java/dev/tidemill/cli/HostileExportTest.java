package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever a server calls its things, an export writes below its own folder alone. */
class HostileExportTest {
    private static final String RUN = "0123456789abcdef0123456789abcdef";

    @TempDir
    private Path directory;

    private static String up(String name) {
        return "../../../../../../../above/" + name;
    }

    private static String answer(String target) {
        if (target.contains("experiments/search")) {
            return """
                    {"experiments":[{"experiment_id":"1","name":"one","tags":[{"key":"%s","value":"v"}]},
                     {"experiment_id":"%s","name":"two"}]}""".formatted(up("tag"), up("experiment"));
        }
        if (target.contains("runs/search")) {
            return """
                    {"runs":[{"info":{"run_id":"%s","experiment_id":"1"},"inputs":{"dataset_inputs":[
                       {"dataset":{"name":"n","digest":"%s"}},{"dataset":{"name":"n","digest":"/x/../y"}},
                       {"dataset":{"name":"n m","digest":"d"}},{"dataset":{"name":"n_m","digest":"d"}}]},
                      "outputs":{"model_outputs":[{"model_id":"%s"},{"model_id":"m-1"},{"model_id":"a/b"}]}},
                     {"info":{"run_id":"%s","experiment_id":"1"}},{"info":{"run_id":".","experiment_id":"1"}},
                     {"info":{"run_id":"","experiment_id":"1"}}]}""".formatted(RUN, "/" + up("set"), up("output"), up("run"));
        }
        if (target.contains("logged-models/search")) {
            return "{\"models\":[{\"info\":{\"model_id\":\"m-1\"}},{\"info\":{\"model_id\":\"%s\"}}]}"
                    .formatted(up("model"));
        }
        if (target.contains("traces/search")) {
            return """
                    {"traces":[{"trace_id":"tr-1","assessments":[{"assessment_id":"%s"}]},{"trace_id":"%s"}]}""".formatted(up("assessment"), up("trace"));
        }
        if (target.contains("registered-models/search") && !target.contains("filter")) {
            return """
                    {"registered_models":[{"name":"m","aliases":[{"alias":"%s","version":"1"}]},{"name":"%s"}]}""".formatted(up("alias"), up("registered"));
        }
        return target.contains("model-versions/search") && !target.contains("prompt")
                ? "{\"model_versions\":[{\"name\":\"m\",\"version\":\"1\"},{\"name\":\"m\",\"version\":\"1/../%s\"}]}"
                        .formatted(up("version"))
                : "{}";
    }

    private List<String> files() throws IOException {
        try (var walk = Files.walk(directory)) {
            return walk.filter(Files::isRegularFile)
                    .map(file -> directory.relativize(file).toString())
                    .toList();
        }
    }

    @Test
    void nothingIsWrittenOutsideOfTheFolder() throws IOException {
        Path target = Files.createDirectories(directory.resolve("a/b/c/d/e/f")).resolve("mlruns");
        try (var server = new ScriptedServer((method, path, body) -> answer(path))) {
            ScriptedServer.Outcome outcome =
                    ScriptedServer.run("export", target.toString(), "--server", server.address(), "--no-artifacts");
            assertThat(files()).as(outcome.told()).allMatch(file -> file.startsWith("a/b/c/d/e/f/mlruns/"));
            assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.INCOMPLETE);
            for (String left : List.of(
                    "tag",
                    "experiment",
                    "output",
                    "run",
                    "model",
                    "assessment",
                    "trace",
                    "alias",
                    "registered",
                    "version")) {
                assertThat(outcome.told()).contains(up(left));
            }
        }
        Path run = target.resolve("1").resolve(RUN);
        assertThat(run.resolve("outputs/m-1/meta.yaml")).exists();
        assertThat(run.resolve("outputs/a")).doesNotExist();
        assertThat(target.resolve("1/models/m-1/meta.yaml")).exists();
        assertThat(target.resolve("models/m/version-1/meta.yaml")).exists();
        assertThat(target.resolve("1/traces/tr-1/trace_info.yaml")).exists();
        // Every data set, whatever its digest, has a folder of its own, to which the run's inputs lead.
        try (var sets = Files.list(target.resolve("1/datasets"))) {
            assertThat(sets).hasSize(4);
        }
        var read = new ArrayList<String>();
        new FolderSource(target, List.of(), new Omissions())
                .runs(
                        "1",
                        found -> found.path("inputs")
                                .path("dataset_inputs")
                                .forEach(input -> read.add(
                                        input.path("dataset").path("digest").asText())));
        assertThat(read).containsExactly("/" + up("set"), "/x/../y", "d", "d");
    }

    /** A contributor says where a run's files are; whoever exports the project says which folders of theirs are read. */
    @Test
    void filesOfTheExportersAreNotCopied() throws IOException {
        Path home = Files.createDirectories(directory.resolve("home"));
        Files.writeString(home.resolve("id_rsa"), "secret");
        try (var server = ScriptedServer.withRun(RUN, home.toUri())) {
            ScriptedServer.Outcome refused =
                    ScriptedServer.run("export", directory.resolve("first").toString(), "--server", server.address());
            assertThat(refused.exit()).isEqualTo(Exit.INCOMPLETE);
            assertThat(refused.told()).contains("--artifacts " + home.toRealPath());
            assertThat(files()).noneMatch(file -> file.startsWith("first/") && file.endsWith("id_rsa"));
            ScriptedServer.Outcome named = ScriptedServer.run(
                    "export",
                    directory.resolve("second").toString(),
                    "--server",
                    server.address(),
                    "--artifacts",
                    home.toString());
            assertThat(named.exit()).as(named.told()).isEqualTo(Exit.OK);
            assertThat(files()).anyMatch(file -> file.startsWith("second/") && file.endsWith("id_rsa"));
        }
    }
}
