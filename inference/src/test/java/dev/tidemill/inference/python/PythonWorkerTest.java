package dev.tidemill.inference.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each caller is answered with what the model said of its own call, against processes that speak the protocol well or badly. */
@Timeout(120)
class PythonWorkerTest {
    /** Answers every call with the number that it was given, and with the header that a test wants. */
    private static final String SCRIPT = """
            import json, struct, sys
            source, sink = sys.stdin.buffer, sys.stdout.buffer
            def send(document, body=b""):
                text = document if isinstance(document, bytes) else json.dumps(document).encode()
                sink.write(struct.pack("<II", len(text), len(body)) + text + body)
                sink.flush()
            send({"ready": True})
            while True:
                head = source.read(8)
                if len(head) < 8:
                    break
                text, length = struct.unpack("<II", head)
                header, body = json.loads(source.read(text)), source.read(length)
                call = header["call"]
                told = {"name": "y", "datatype": "FP64", "shape": [1], "length": 8}
                answer = {"call": call, "outputs": [told]}
                %s
                send(answer, body)
            """;

    @TempDir
    private Path folder;

    private PythonWorker worker(String statement) throws IOException {
        Path script = Files.writeString(folder.resolve("serve.py"), SCRIPT.formatted(statement));
        var settings = new PythonSettings(
                "python3",
                Optional.empty(),
                folder.resolve("python"),
                1,
                512,
                Duration.ofSeconds(60),
                PythonSettings.Isolate.OFF,
                0,
                Duration.ZERO);
        var isolation = Isolation.choose(settings);
        var needs = new Isolation.Needs(List.of(), List.of(), folder, false);
        return PythonWorker.start(Path.of("python3"), script, PythonForm.values()[0], folder, 512, isolation, needs);
    }

    private static Tensor predict(PythonWorker worker, double value) {
        var input = Tensor.numbers("x", Datatype.FP64, new long[] {1}, new double[] {value});
        return worker.predict(List.of(input), CallContext.NONE, Duration.ofSeconds(60))
                .getFirst();
    }

    @Test
    void anyTextIsALabelOfAnAnswer() throws IOException {
        try (var worker = worker("told['place'] = {'in': 'mapping', 'label': 'a\\0\\ud83d', 'lone': False}")) {
            for (int i = 1; i <= 3; i++) {
                Tensor answer = predict(worker, i);
                assertThat(answer.number(0)).isEqualTo(i);
                assertThat(answer.place().orElseThrow().label()).isEqualTo("a\0\uD83D");
            }
        }
    }

    @Test
    void aProcessWhoseAnswerIsNotReadIsEndedBeforeItAnswersAnybodyElse() throws IOException {
        try (var worker = worker("answer = b'no JSON' if call == 2 else answer")) {
            assertThat(predict(worker, 1).number(0)).isEqualTo(1);
            assertThatThrownBy(() -> predict(worker, 2)).isInstanceOf(TidemillException.class);
            assertThatThrownBy(() -> predict(worker, 3))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("process ended");
        }
    }

    @Test
    void anAnswerToAnotherCallIsNobodys() throws IOException {
        try (var worker = worker("answer['call'] = max(1, call - 1)")) {
            assertThat(predict(worker, 1).number(0)).isEqualTo(1);
            assertThatThrownBy(() -> predict(worker, 2)).hasMessageContaining("answered call 1 where call 2 was asked");
            assertThatThrownBy(() -> predict(worker, 3)).hasMessageContaining("process ended");
        }
    }

    /** Code of a model is anybody's: a negative size would pay for what another output takes. */
    @Test
    void anAnswerWithSizesThatNoTensorHasIsRefusedBeforeItIsRead() throws IOException {
        try (var worker = worker("""
                if call < 4:
                        texts = {"name": "y", "datatype": "BYTES", "shape": [1000], "length": 0}
                        answer["outputs"] = [
                            [dict(texts), dict(texts, shape=[-3187500])],
                            [dict(texts, shape=[2147483647, 2147483647])],
                            [dict(told, length=-8)],
                        ][call - 1]
                """.strip())) {
            for (int call = 1; call < 4; call++) {
                int asked = call;
                assertThatThrownBy(() -> predict(worker, asked)).hasMessageContaining("which no tensor has");
            }
            assertThat(predict(worker, 4).number(0)).isEqualTo(4);
        }
    }

    @Test
    void anAnswerThatFindsNoMemoryIsPassedOver() throws IOException {
        try (var worker = worker("""
                if call == 1:
                        told["shape"], told["length"], body = [1000000], 8000000, bytes(8000000)
                """.strip());
                var request = new BytesInFlight(4 << 20).open("ada")) {
            assertThatThrownBy(() -> RequestMemory.of(request, () -> predict(worker, 1)))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.TOO_LARGE));
            assertThat(RequestMemory.of(request, () -> predict(worker, 2)).number(0))
                    .isEqualTo(2);
        }
    }

    @Test
    void aFailureOfTheCallAloneIsToldAndTheProcessGoesOn() throws IOException {
        try (var worker = worker("""
                if call == 1:
                        answer, body = {"call": call, "failed": "no \\0", "kind": "input"}, b""
                """.strip())) {
            assertThatThrownBy(() -> predict(worker, 1)).hasMessage("The model answered: no \uFFFD");
            assertThat(predict(worker, 2).number(0)).isEqualTo(2);
        }
    }
}
