package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A file that no MLflow wrote costs itself at most what it stands for: all else is taken, and it is told. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OddFolderTest {
    private static final long THREE_GIGABYTES = 3_000_000_000L;

    @TempDir
    private Path temporary;

    private Path mlruns = Path.of("");
    private ScriptedServer server;

    @BeforeEach
    void write() throws IOException {
        server = ScriptedServer.taking();
        mlruns = temporary.resolve("mlruns");
        for (String experiment : List.of("1", "2")) {
            text(experiment + "/meta.yaml", "experiment_id: '" + experiment + "'\nname: e" + experiment + "\n");
            for (String run : List.of("a", "b")) {
                String folder = experiment + "/" + run + experiment;
                text(folder + "/meta.yaml", "run_id: " + run + experiment + "\nstatus: 3\nstart_time: 1\n");
                text(folder + "/params/p", "value-of-" + run + experiment);
                text(folder + "/metrics/m", "1 0.5 0\n2 0.25 1\n");
            }
        }
        text("1/models/m-1/meta.yaml", "name: logged\nmodel_id: m-1\n");
        text("1/traces/tr-1/trace_info.yaml", "trace_id: tr-1\nstate: OK\n");
        text("models/churn/meta.yaml", "name: churn\n");
        text("models/churn/version-1/meta.yaml", "name: churn\nversion: 1\ncurrent_stage: None\n");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Path text(String path, String content) throws IOException {
        Path file = mlruns.resolve(path);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    private void append(String path, String content) throws IOException {
        text(path, Files.readString(mlruns.resolve(path)) + content);
    }

    /** Holes, which take no room on the disk. */
    private void huge(String path) throws IOException {
        Files.createDirectories(mlruns.resolve(path).getParent());
        try (var file = new RandomAccessFile(mlruns.resolve(path).toFile(), "rw")) {
            file.setLength(THREE_GIGABYTES);
        }
    }

    private ScriptedServer.Outcome taken() {
        return ScriptedServer.run("import", mlruns.toString(), "--server", server.address());
    }

    /** What was sent, of all that there is. */
    private List<String> sent(String... among) {
        var sent = new ArrayList<String>();
        for (String one : among) {
            if (server.received().stream()
                    .anyMatch(request -> request.startsWith("POST")
                            && request.contains("/import/")
                            && request.contains("\"" + one + "\""))) {
                sent.add(one);
            }
        }
        return sent;
    }

    private void assertCostsItself(String place, String why, String... lost) {
        ScriptedServer.Outcome outcome = taken();
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.INCOMPLETE);
        assertThat(outcome.told()).contains(place).contains(why);
        var left = new ArrayList<>(List.of("e1", "e2", "a1", "b1", "a2", "b2", "m-1", "tr-1", "churn"));
        left.removeAll(List.of(lost));
        assertThat(sent("e1", "e2", "a1", "b1", "a2", "b2", "m-1", "tr-1", "churn"))
                .as(outcome.told())
                .isEqualTo(left);
    }

    @Test
    void yamlThatHoldsItself() throws IOException {
        append("1/a1/meta.yaml", "loop: &x\n  b: *x\n");
        assertCostsItself("1/a1/meta.yaml", "within itself", "a1");
    }

    @Test
    void yamlOfAHundredThousandLevels() throws IOException {
        append("1/a1/meta.yaml", "deep: " + "[".repeat(100_000) + "]".repeat(100_000) + "\n");
        append("1/traces/tr-1/trace_info.yaml", "deep: " + "{a: ".repeat(100_000) + "1" + "}".repeat(100_000) + "\n");
        append("models/churn/meta.yaml", "deep: " + "[".repeat(100_000) + "\n");
        assertCostsItself("1/a1/meta.yaml", "levels", "a1", "tr-1", "churn");
    }

    @Test
    void yamlWhoseAliasesUnfold() throws IOException {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 12; i++) {
            bomb.append("a" + i + ": &a" + i + " [")
                    .append(("*a" + (i - 1) + ",").repeat(9))
                    .append("]\n");
        }
        append("1/a1/meta.yaml", bomb.toString());
        var deep = new StringBuilder("d0: &d0 [x]\n");
        for (int i = 1; i < 2_000; i++) {
            deep.append("d" + i + ": &d" + i + " [*d" + (i - 1) + "]\n");
        }
        append("2/b2/meta.yaml", deep.toString());
        append("2/a2/meta.yaml", "t: &t " + "x".repeat(1_000_000) + "\nl: [" + "*t, ".repeat(5_000) + "]\n");
        assertCostsItself("1/a1/meta.yaml", "unfold", "a1", "a2", "b2");
    }

    /** A library writes aliases for whatever it meets twice. */
    @Test
    void yamlWithAFewAliasesIsRead() throws IOException {
        append("1/a1/meta.yaml", "x: &x [one, two]\ny: *x\n" + "z: [*x, *x]\n");
        ScriptedServer.Outcome outcome = taken();
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.OK);
    }

    @Test
    void aNumberOfAMillionDigits() throws IOException {
        append("1/a1/meta.yaml", "n: " + "7".repeat(1_000_000) + "\n");
        assertCostsItself("1/a1/meta.yaml", "digits", "a1");
    }

    @Test
    void yamlOfGigabytes() throws IOException {
        huge("1/a1/meta.yaml");
        huge("2/meta.yaml");
        assertCostsItself("1/a1/meta.yaml", "3000000000 bytes", "a1", "e2", "a2", "b2");
    }

    @Test
    void paramsOfGigabytes() throws IOException {
        huge("1/a1/params/big");
        huge("1/tags/big");
        huge("1/models/m-1/params/big");
        huge("1/traces/tr-1/tags/big");
        huge("models/churn/aliases/big");
        ScriptedServer.Outcome outcome = taken();
        assertThat(outcome.told())
                .contains("1/a1/params/big: it has 3000000000 bytes")
                .contains("1/tags/big")
                .contains("1/models/m-1/params/big")
                .contains("1/traces/tr-1/tags/big")
                .contains("models/churn/aliases/big")
                .contains("1048576");
        assertCostsItself("1/a1/params/big", "1048576");
        assertThat(server.received()).anyMatch(request -> request.contains("value-of-a1"));
    }

    @Test
    void paramsThatAreTooMuchTogether() throws IOException {
        String most = "x".repeat(1 << 20);
        for (int i = 0; i < 20; i++) {
            text("1/a1/params/z" + i, most);
        }
        assertCostsItself("1/a1/params", "16777216 bytes");
        assertThat(server.received()).anyMatch(request -> request.contains("value-of-a1"));
    }

    @Test
    void aLineOfGigabytes() throws IOException {
        huge("1/a1/metrics/big");
        Files.createDirectories(mlruns.resolve("1/models/m-1/metrics"));
        huge("1/models/m-1/metrics/big");
        ScriptedServer.Outcome outcome = taken();
        assertThat(outcome.told())
                .contains("1/a1/metrics/big: line 1 has more than")
                .contains("1/models/m-1/metrics/big: line 1 has more than");
        assertCostsItself("1/a1/metrics/big", "line 1");
        assertThat(server.received())
                .anyMatch(request -> request.contains("/import/points")
                        && request.contains("\"run_id\":\"a1\"")
                        && request.contains("0.25"));
    }

    @Test
    void linesThatAreNoMetrics() throws IOException {
        text("1/a1/metrics/odd", "1 0.5 0\nnothing\n" + "1 0.5 0 \u00e9\n".repeat(3) + "x\n".repeat(500_000));
        Files.write(mlruns.resolve("1/b1/metrics/latin"), new byte[] {'1', ' ', '2', '\n', (byte) 0xe9, '\n'});
        ScriptedServer.Outcome outcome = taken();
        assertThat(outcome.told().lines().count()).isLessThan(200);
        assertThat(outcome.told()).contains("1/a1/metrics/odd").contains("1/b1/metrics/latin");
        assertCostsItself("1/a1/metrics/odd", "is no line of a metric");
    }

    @Test
    void namesThatAreNoPaths() throws IOException {
        text("1/a1/inputs/i/meta.yaml", "source_type: DATASET\nsource_id: \"a\\0b\"\n");
        assertCostsItself("a1", "Nul character", "a1");
    }

    @Test
    void spansOfGigabytes() throws IOException {
        append("1/traces/tr-1/trace_info.yaml", "x: y\n");
        text("1/traces/tr-1/tags/mlflow.artifactLocation", mlruns + "/1/traces/tr-1/artifacts");
        huge("1/traces/tr-1/artifacts/traces.json");
        assertCostsItself("trace tr-1", "traces.json has 3000000000 bytes", "tr-1");
    }

    /** On Linux a name is bytes; two that are no UTF-8 would become one. */
    @Test
    void namesThatAreNoUtf8() throws IOException {
        URI params = mlruns.resolve("1/a1/params").toUri();
        for (String name : List.of("bad%FE", "bad%FF")) {
            Files.writeString(Path.of(URI.create(params + "/" + name)), "of-" + name);
            Path artifacts = Files.createDirectories(mlruns.resolve("1/a1/artifacts"));
            Files.writeString(Path.of(URI.create(artifacts.toUri() + name)), "file-" + name);
            Path folder = Files.createDirectories(Path.of(URI.create(artifacts.toUri() + "in" + name)));
            Files.writeString(folder.resolve("f"), "in-" + name);
            Path model = Files.createDirectories(Path.of(URI.create(mlruns.toUri() + "models/" + name)));
            Files.writeString(model.resolve("meta.yaml"), "name: other" + name + "\n");
        }
        text("1/a1/artifacts/good\ufffd", "file-good");
        append("1/a1/meta.yaml", "artifact_uri: " + mlruns + "/1/a1/artifacts\n");
        ScriptedServer.Outcome outcome = taken();
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.INCOMPLETE);
        for (String name : List.of("bad%FE", "bad%FF")) {
            assertThat(outcome.told()).contains("params/" + name).contains("file '" + name + "'");
            assertThat(outcome.told()).contains("in" + name + "/f").contains("models/" + name);
            assertThat(server.received())
                    .noneMatch(request -> request.contains("of-" + name)
                            || request.contains("file-" + name)
                            || request.contains("in-" + name));
        }
        assertThat(server.received()).anyMatch(request -> request.contains("file-good"));
    }
}
