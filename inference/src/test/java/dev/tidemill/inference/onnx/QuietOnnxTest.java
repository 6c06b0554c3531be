package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuietOnnxTest {
    /** Runs a model in a process whose home is its own. */
    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        try (LoadedModel model = new OnnxFolders(directory)
                .open(new OnnxBytes()
                        .input("x", OnnxBytes.FLOAT, 2)
                        .node("Add", List.of("x", "x"), List.of("y"), Map.of())
                        .output("y", OnnxBytes.FLOAT, 2))) {
            double[] twice = {2, 4};
            Tensor answer = model.predict(
                            List.of(Tensor.numbers("x", Datatype.FP32, new long[] {2}, new double[] {1, 2})))
                    .getFirst();
            if (answer.number(0) != twice[0] || answer.number(1) != twice[1]) {
                throw new AssertionError("it does not answer");
            }
        }
    }

    @Test
    void nothingIsWrittenIntoTheHomeOfWhoRunsTheServer(@TempDir Path directory)
            throws IOException, InterruptedException {
        Path home = Files.createDirectories(directory.resolve("home"));
        var builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-Djava.io.tmpdir=" + directory,
                "-cp",
                System.getProperty("java.class.path"),
                QuietOnnxTest.class.getName(),
                directory.resolve("work").toString());
        // Each of these would switch it off, too.
        builder.environment().keySet().removeAll(List.of("ORT_DISABLE_TELEMETRY", "TF_BUILD", "GITHUB_ACTIONS", "CI"));
        builder.environment().put("HOME", home.toString());
        builder.environment().put("XDG_CACHE_HOME", home.resolve("cache").toString());
        Path said = directory.resolve("said");
        Process process =
                builder.redirectErrorStream(true).redirectOutput(said.toFile()).start();
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(said)).isZero();
        try (Stream<Path> files = Files.walk(home)) {
            assertThat(files.filter(Files::isRegularFile).toList()).isEmpty();
        }
    }
}
