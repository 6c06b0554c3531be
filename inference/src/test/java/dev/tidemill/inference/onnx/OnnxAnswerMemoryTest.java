package dev.tidemill.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import dev.tidemill.platform.load.RequestMemory;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An answer is counted to its request before it fills the heap, and refused where there is no room. */
class OnnxAnswerMemoryTest {
    private static final int WIDTH = 1_024;

    @TempDir
    private Path directory;

    private LoadedModel expanding() {
        return new OnnxFolders(directory)
                .open(new OnnxBytes()
                        .input("x", OnnxBytes.FLOAT, "rows", 1)
                        .floats("row", new long[] {1, WIDTH}, new float[WIDTH])
                        .node("MatMul", List.of("x", "row"), List.of("y"), Map.of())
                        .output("y", OnnxBytes.FLOAT, "rows", WIDTH));
    }

    private static List<Tensor> ask(LoadedModel model, int rows) {
        return model.predict(List.of(Tensor.numbers("x", Datatype.FP32, new long[] {rows, 1}, new double[rows])));
    }

    private static ErrorCode code(Throwable refusal) {
        return ((TidemillException) refusal).code();
    }

    @Test
    void anAnswerIsTakenFromTheBudgetOfItsRequest() {
        var budget = new BytesInFlight(8 << 20);
        try (LoadedModel model = expanding()) {
            for (int rows : new int[] {100, 300}) {
                try (Reservation request = budget.open("ada")) {
                    List<Tensor> answer = RequestMemory.of(request, () -> ask(model, rows));
                    assertThat(answer.getFirst().size()).isEqualTo(rows * WIDTH);
                    assertThat(budget.taken()).isGreaterThanOrEqualTo(AnswerMemory.weight(answer));
                }
            }
            try (Reservation request = budget.open("ada")) {
                assertThatThrownBy(() -> RequestMemory.of(request, () -> ask(model, 1_000)))
                        .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.TOO_LARGE));
            }
            try (Reservation request = budget.open("ada");
                    Reservation other = budget.open("bob")) {
                other.take(6 << 20);
                assertThatThrownBy(() -> RequestMemory.of(request, () -> ask(model, 300)))
                        .satisfies(refusal -> assertThat(code(refusal)).isEqualTo(ErrorCode.UNAVAILABLE));
            }
            assertThat(budget.taken()).isZero();
            assertThat(ask(model, 1_000).getFirst().size()).as("of no request").isEqualTo(1_000 * WIDTH);
        }
    }
}
