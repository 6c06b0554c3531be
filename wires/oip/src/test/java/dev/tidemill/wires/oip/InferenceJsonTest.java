package dev.tidemill.wires.oip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.Route;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorRows;
import dev.tidemill.platform.errors.TidemillException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class InferenceJsonTest {
    private static Tensor one(String input) {
        byte[] body = ("{\"inputs\":[" + input + "]}").getBytes(StandardCharsets.UTF_8);
        return InferenceJson.request(body, body.length).inputs().getFirst();
    }

    private static Tensor values(String datatype, int count, String data) {
        return one(
                "{\"name\":\"x\",\"shape\":[" + count + "],\"datatype\":\"" + datatype + "\",\"data\":" + data + "}");
    }

    @Test
    void dataMayComeBeforeWhatItIsAndNested() {
        Tensor tensor = one("{\"data\":[[1,2],[3,4.5]],\"datatype\":\"FP32\",\"shape\":[2,2],\"name\":\"x\"}");
        assertThat(tensor.datatype()).isEqualTo(Datatype.FP32);
        assertThat(tensor.number(3)).isEqualTo(4.5);
    }

    @Test
    void wholeNumbersKeepAllTheirBits() {
        assertThat(values("INT64", 1, "[9007199254740993]").whole(0)).isEqualTo(9007199254740993L);
        assertThat(values("INT64", 1, "[-9223372036854775808]").whole(0)).isEqualTo(Long.MIN_VALUE);
        assertThat(values("UINT64", 1, "[18446744073709551615]").value(0)).hasToString("18446744073709551615");
    }

    @Test
    void missingValuesAreMissing() {
        assertThat(values("FP64", 3, "[null,1.0,NaN]").value(0)).isNull();
        assertThat(values("FP64", 3, "[null,1.0,NaN]").value(2)).isNull();
        assertThat(values("BYTES", 2, "[\"a\",null]").value(1)).isNull();
        // No whole number says "missing".
        assertThat(TensorRows.column(values("BOOL", 3, "[true,null,false]"), 0, "v")
                        .value(0))
                .as("a truth stays one beside what is missing")
                .isEqualTo(true);
        Tensor wholes = values("INT64", 2, "[7,null]");
        assertThat(wholes.datatype()).isEqualTo(Datatype.FP64);
        assertThat(wholes.value(1)).isNull();
    }

    @Test
    void halfACharacterIsRefusedAndAWholeOneKept() {
        assertThat(values("BYTES", 1, "[\"\\ud83d\\ude00\"]").text(0)).isEqualTo("\uD83D\uDE00");
        for (String half : List.of("\\ud800", "a\\udc00", "\\ude00\\ud83d")) {
            assertThatThrownBy(() -> values("BYTES", 2, "[\"a\",\"" + half + "\"]"))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("half a character");
        }
    }

    @Test
    void whatDoesNotFitItsDatatypeIsRefused() {
        for (String wrong : List.of(
                "INT8:[128]",
                "INT8:[-129]",
                "UINT8:[256]",
                "UINT8:[-1]",
                "UINT64:[-1]",
                "UINT64:[18446744073709551616]",
                "INT64:[9223372036854775808]",
                "INT32:[1.5]",
                "BOOL:[2]",
                "FP64:[true]",
                "FP64:[\"1\"]",
                "BYTES:[1]",
                "FP16:[1]",
                "FP64:[{}]",
                "FP64:1")) {
            int colon = wrong.indexOf(':');
            assertThatThrownBy(() -> values(wrong.substring(0, colon), 1, wrong.substring(colon + 1)))
                    .as(wrong)
                    .isInstanceOf(TidemillException.class);
        }
        assertThat(values("INT8", 2, "[127,-128]").whole(1)).isEqualTo(-128);
        assertThat(values("BOOL", 2, "[true,false]").value(0)).isEqualTo(true);
    }

    @Test
    void listsAreNestedAsTheShapeSaysOrRefused() {
        for (String wrong : List.of(
                "[2,2]:[[1,2,3],[4]]",
                "[2,2]:[[1,2],3,4]",
                "[4]:[1,[2,3,4]]",
                "[2,3]:[[1,2],[3,4],[5,6]]",
                "[2,2]:[[1,2],[3,[4]]]",
                "[2,1,2]:[[[1,2]],[[3],[4]]]",
                "[2,2]:[[],[1,2,3,4]]")) {
            int colon = wrong.indexOf(':');
            assertThatThrownBy(() -> one("{\"name\":\"x\",\"datatype\":\"INT64\",\"shape\":" + wrong.substring(0, colon)
                            + ",\"data\":" + wrong.substring(colon + 1) + "}"))
                    .as(wrong)
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("tensor 'x'");
        }
        Tensor column = one("{\"name\":\"x\",\"datatype\":\"INT64\",\"shape\":[2],\"data\":[[1],[2]]}");
        assertThat(column.shape()).containsExactly(2);
        assertThat(one("{\"name\":\"x\",\"datatype\":\"INT64\",\"shape\":[],\"data\":[5]}")
                        .whole(0))
                .isEqualTo(5);
    }

    @Test
    void aNumberBeyondItsDatatypeIsNoInfinity() {
        assertThatThrownBy(() -> values("FP32", 2, "[1, 1e39]")).hasMessageContaining("beyond every FP32");
        assertThatThrownBy(() -> values("FP64", 1, "[1e999]")).hasMessageContaining("beyond every FP64");
        assertThat(values("FP32", 1, "[Infinity]").number(0)).isInfinite();
    }

    @Test
    void noOutputIsAskedForTwice() {
        byte[] body = ("{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[1]}],"
                        + "\"outputs\":[{\"name\":\"y\"},{\"name\":\"y\"}]}")
                .getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> InferenceJson.request(body, body.length))
                .hasMessageContaining("'y' is asked for twice");
    }

    @Test
    void bytesThatAreNoTextAreRefusedInJsonOrToldAsBase64() {
        byte[] raw = {(byte) 0xff, 0, 1};
        var answer = new InferenceAnswer(
                new ServedVersion("default", "m", 1, new Digest("0".repeat(64)), false),
                Route.CHAMPION,
                List.of(Tensor.texts("y", new long[] {1}, new byte[][] {raw})),
                List.of(),
                ClassType.UNKNOWN,
                false,
                List.of());
        String input = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[1]}]";
        assertThatThrownBy(() -> answered(input + "}", answer)).hasMessageContaining("no UTF-8");
        InferenceJson.Body binary = answered(input + ",\"parameters\":{\"binary_data_output\":true}}", answer);
        assertThat(binary.content()).endsWith(3, 0, 0, 0, 0xff, 0, 1);
        InferenceJson.Body encoded = answered(
                input + ",\"outputs\":[{\"name\":\"y\",\"parameters\":{\"content_type\":\"base64\"}}]}", answer);
        assertThat(new String(encoded.content(), StandardCharsets.UTF_8))
                .contains("\"parameters\":{\"content_type\":\"base64\"},\"data\":[\"/wAB\"]");
    }

    /** What is sent while it is made is what would have been made at once. */
    @Test
    void aLongAnswerIsWrittenAsItGoes() {
        var numbers = new Random(3).doubles(20_000).toArray();
        var answer = new InferenceAnswer(
                new ServedVersion("default", "m", 1, new Digest("0".repeat(64)), false),
                Route.CHAMPION,
                List.of(Tensor.numbers("y", Datatype.FP64, new long[] {20_000}, numbers)),
                List.of(),
                ClassType.UNKNOWN,
                false,
                List.of());
        byte[] body = "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[1]}]}"
                .getBytes(StandardCharsets.UTF_8);
        WireRequest wire = InferenceJson.request(body, body.length);
        InferenceRequest request = wire.request(Instant.EPOCH, Cancellation.NEVER);
        InferenceJson.Told told = InferenceJson.told("m", wire, request, answer);
        assertThat(told.isLong()).isTrue();
        var sent = new ByteArrayOutputStream();
        told.write(sent);
        assertThat(sent.toByteArray())
                .isEqualTo(InferenceJson.answer("m", wire, request, answer).content());
        assertThat(AnswerMemory.written(answer.outputs())).isGreaterThan(sent.size() - 500);
    }

    private static InferenceJson.Body answered(String request, InferenceAnswer answer) {
        byte[] body = request.getBytes(StandardCharsets.UTF_8);
        WireRequest wire = InferenceJson.request(body, body.length);
        return InferenceJson.answer("m", wire, wire.request(Instant.EPOCH, Cancellation.NEVER), answer);
    }

    @Test
    void aParameterIsATextANumberOrATruth() {
        String input = "\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[1]}]";
        for (String wrong : List.of("[1]", "{\"a\":1}")) {
            byte[] body =
                    ("{" + input + ",\"parameters\":{\"event_time\":" + wrong + "}}").getBytes(StandardCharsets.UTF_8);
            assertThatThrownBy(() -> InferenceJson.request(body, body.length))
                    .hasMessageContaining("Parameter 'event_time' is a");
        }
        byte[] body = ("{" + input + ",\"parameters\":{\"headers\":{\"a\":[1]},\"event_time\":null}}")
                .getBytes(StandardCharsets.UTF_8);
        assertThat(InferenceJson.request(body, body.length))
                .as("clients send their headers along")
                .isNotNull();
    }

    @Test
    void noFieldComesTwice() {
        String input = "{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[1]}";
        for (String wrong : List.of(
                "{\"inputs\":[" + input + "],\"inputs\":[" + input + "]}",
                "{\"id\":\"a\",\"inputs\":[" + input + "],\"id\":\"b\"}",
                "{\"inputs\":[" + input + "],\"outputs\":[],\"outputs\":[]}",
                "{\"inputs\":[" + input + "],\"outputs\":[{\"name\":\"y\",\"name\":\"z\"}]}",
                "{\"inputs\":[" + input + "],\"parameters\":{\"a\":1,\"a\":2}}",
                "{\"inputs\":[" + input.replace("}", ",\"name\":\"z\"}") + "]}",
                "{\"inputs\":[" + input.replace("}", ",\"shape\":[1]}") + "]}",
                "{\"inputs\":[" + input.replace("}", ",\"datatype\":\"INT8\"}") + "]}",
                "{\"inputs\":[" + input.replace("}", ",\"data\":[2]}") + "]}")) {
            byte[] body = wrong.getBytes(StandardCharsets.UTF_8);
            assertThatThrownBy(() -> InferenceJson.request(body, body.length))
                    .as(wrong)
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining(" two ");
        }
    }

    @Test
    void base64IsDecodedWhereItIsSaidToBe() {
        Tensor tensor = one("{\"name\":\"x\",\"shape\":[1],\"datatype\":\"BYTES\","
                + "\"parameters\":{\"content_type\":\"base64\"},\"data\":[\"aGk=\"]}");
        assertThat(tensor.text(0)).isEqualTo("hi");
    }

    @Test
    void binaryTensorsFollowTheDocumentInOrder() {
        byte[] json = ("{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP64\","
                        + "\"parameters\":{\"binary_data_size\":8}},"
                        + "{\"name\":\"b\",\"shape\":[1],\"datatype\":\"INT64\",\"data\":[3]},"
                        + "{\"name\":\"c\",\"shape\":[2],\"datatype\":\"INT16\",\"parameters\":{\"binary_data_size\":4}}]}")
                .getBytes(StandardCharsets.UTF_8);
        ByteBuffer body = ByteBuffer.allocate(json.length + 12).order(ByteOrder.LITTLE_ENDIAN);
        body.put(json).putDouble(2.5).putShort((short) -2).putShort((short) 7);
        List<Tensor> inputs = InferenceJson.request(body.array(), json.length).inputs();
        assertThat(inputs.get(0).number(0)).isEqualTo(2.5);
        assertThat(inputs.get(1).whole(0)).isEqualTo(3);
        assertThat(inputs.get(2).whole(0)).isEqualTo(-2);
        assertThat(inputs.get(2).whole(1)).isEqualTo(7);
    }
}
