package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.onnx.OnnxBytes;
import dev.tidemill.inference.onnx.OnnxFolders;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class TrialTest {
    @TempDir
    Path directory;

    /** A graph that doubles its input as often as there are whole numbers. */
    @Test
    @Timeout(60)
    void aModelThatRunsWithoutEndIsNotLoaded() {
        var body = new OnnxBytes()
                .input("i", OnnxBytes.INT64)
                .input("on", OnnxBytes.BOOL)
                .input("s", OnnxBytes.FLOAT, "n")
                .node("Identity", List.of("on"), List.of("still"), Map.of())
                .node("Add", List.of("s", "s"), List.of("twice"), Map.of())
                .output("still", OnnxBytes.BOOL)
                .output("twice", OnnxBytes.FLOAT, "n");
        var graph = new OnnxBytes()
                .input("x", OnnxBytes.FLOAT, "n")
                .whole("steps", 1L << 62)
                .truth("go")
                .node("Loop", List.of("steps", "go", "x"), List.of("y"), Map.of("body", body))
                .output("y", OnnxBytes.FLOAT, "n");
        var folders = new OnnxFolders(directory);
        try (LoadedModel model = folders.open(graph)) {
            assertThatThrownBy(() -> Trial.of(model, folders.folder(graph), Optional.empty(), Duration.ofMillis(400)))
                    .isInstanceOf(TidemillException.class)
                    .satisfies(refusal ->
                            assertThat(((TidemillException) refusal).code()).isEqualTo(ErrorCode.FAILED_PRECONDITION))
                    .hasMessageContaining("did not answer its trial within 400 ms");
        }
    }

    @Test
    void whatAModelDeclaresIsFed() {
        List<Tensor> fed = Trial.blank(List.of(
                new TensorSpec("a", Datatype.FP32, List.of(-1L, -1L), false, List.of("rows", "time")),
                new TensorSpec("b", Datatype.INT64, List.of(-1L, 3L), false, List.of("time", "")),
                new TensorSpec("c", Datatype.BYTES, List.of(), false),
                new TensorSpec("d", Datatype.BOOL, List.of(6L), false)));
        // "time" is a first dimension somewhere, so it is of the size of rows everywhere.
        assertThat(fed.get(0).shape()).containsExactly(2, 2);
        assertThat(fed.get(1).shape()).containsExactly(2, 3);
        assertThat(fed.get(2).shape()).isEmpty();
        assertThat(fed.get(3).shape()).containsExactly(6);
        assertThat(Trial.blank(List.of(new TensorSpec("e", Datatype.FP32, List.of(2_000L, 2_000L), false))))
                .isEmpty();
    }
}
