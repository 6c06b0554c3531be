package dev.tidemill.wires.oip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Place;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorRows;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class RowsJsonTest {
    private static Tensor placed(Place.Container container, String label, boolean lone, double... values) {
        return ColumnValues.column(
                        "prediction", java.util.Arrays.stream(values).boxed().toList())
                .placed(new Place(container, label, lone));
    }

    /** As MLflow's {@code predictions_to_json} writes pandas' objects, mappings, arrays and single values. */
    @Test
    void predictionsHaveTheFormOfMlflowsServer() {
        Tensor out = placed(Place.Container.FRAME, "out", false, 4.5, 5.5);
        assertThat(RowsJson.scored(List.of(out))).hasToString("[{\"out\":4.5},{\"out\":5.5}]");
        assertThat(RowsJson.scored(List.of(out, placed(Place.Container.FRAME, "b", false, 1, 2))))
                .hasToString("[{\"out\":4.5,\"b\":1.0},{\"out\":5.5,\"b\":2.0}]");
        assertThat(RowsJson.scored(List.of(
                        placed(Place.Container.MAPPING, "a", false, 1, 2),
                        placed(Place.Container.MAPPING, "b", true, 3))))
                .hasToString("{\"a\":[1.0,2.0],\"b\":3.0}");
        assertThat(RowsJson.scored(List.of(placed(Place.Container.NONE, "prediction", false, 7))))
                .hasToString("[7.0]");
        assertThat(RowsJson.scored(List.of(placed(Place.Container.NONE, "prediction", true, 7))))
                .hasToString("7.0");
        assertThat(RowsJson.scored(List.of(ColumnValues.column("prediction", List.of(1.5, 2.5)))))
                .hasToString("[1.5,2.5]");
        // The other forms are as they were.
        assertThat(RowsJson.predictions(List.of(out))).hasToString("[4.5,5.5]");
    }

    /** MLflow's server writes Python's words, and its client reads them as numbers; every other form stays JSON. */
    @Test
    void numbersThatJsonHasNoWordForAreMlflowsOwnInItsForm() {
        double[] odd = {1.5, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
        assertThat(Json.write(RowsJson.scored(List.of(placed(Place.Container.FRAME, "out", false, odd)))))
                .isEqualTo("[{\"out\":1.5},{\"out\":NaN},{\"out\":Infinity},{\"out\":-Infinity}]");
        assertThat(Json.write(RowsJson.scored(List.of(placed(Place.Container.MAPPING, "out", false, odd)))))
                .isEqualTo("{\"out\":[1.5,NaN,Infinity,-Infinity]}");
        assertThat(Json.write(RowsJson.scored(List.of(placed(Place.Container.NONE, "out", false, odd)))))
                .isEqualTo("[1.5,NaN,Infinity,-Infinity]");
        assertThat(Json.write(RowsJson.predictions(List.of(placed(Place.Container.FRAME, "out", false, odd)))))
                .isEqualTo("[1.5,null,null,null]");
    }

    /** Python's {@code base64.encodebytes} breaks lines after 76 letters; what the bytes would be as a text tells nothing. */
    @Test
    void bytesAreLinesOfBase64InMlflowsForm() {
        byte[][] values = {"ab".getBytes(StandardCharsets.UTF_8), {(byte) 0xff}, {}, new byte[60], null};
        Tensor bytes = Tensor.texts("b", new long[] {5}, values);
        String lines = "\"" + "A".repeat(76) + "\\n" + "A".repeat(4) + "\\n\"";
        assertThat(Json.write(RowsJson.scored(List.of(bytes.asBinary()))))
                .isEqualTo("[\"YWI=\\n\",\"/w==\\n\",\"\"," + lines + ",null]");
        assertThat(Json.write(RowsJson.predictions(List.of(TensorRows.of(bytes.asBinary(), 0, 2)))))
                .isEqualTo("[\"ab\",\"/w==\"]");
        assertThat(Json.write(RowsJson.scored(List.of(TensorRows.of(bytes, 0, 2)))))
                .isEqualTo("[\"ab\",\"/w==\\n\"]");
    }

    /** Calls that were answered together are told apart again, and some of them had no bytes. */
    @Test
    void bytesBesideTextsAreNotAllBytes() {
        Tensor texts = Tensor.texts("b", new long[] {1}, new byte[][] {{'a'}});
        assertThat(TensorRows.concatenated(List.of(texts.asBinary(), texts)).isBinary())
                .isFalse();
        assertThat(TensorRows.concatenated(List.of(texts.asBinary(), texts.asBinary()))
                        .isBinary())
                .isTrue();
    }

    @Test
    void halfACharacterIsRefusedInEveryForm() {
        String half = "[{\"x\":\"a\\ud800\"}]";
        String list = "[[\"a\\ud800\"]]";
        for (String rows : List.of(half, list)) {
            assertThatThrownBy(() -> RowsJson.rows(RowsJson.parse(rows.getBytes(StandardCharsets.UTF_8)), "instances"))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("half a character");
        }
        assertThatThrownBy(() -> RowsJson.named(
                        RowsJson.parse("{\"x\":[\"\\udc00\"]}".getBytes(StandardCharsets.UTF_8)), "inputs"))
                .hasMessageContaining("half a character");
        // The parser itself refuses it in names.
        assertThatThrownBy(() -> RowsJson.parse("[{\"\\ud800\":1}]".getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("surrogate");
    }
}
