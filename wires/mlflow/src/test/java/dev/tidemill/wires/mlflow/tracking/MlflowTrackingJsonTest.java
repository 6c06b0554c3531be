package dev.tidemill.wires.mlflow.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.json.Json;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MlflowTrackingJsonTest {
    private static ObjectNode item(int number) {
        return Json.object().put("number", number);
    }

    @Test
    void everythingIsOneList() throws Exception {
        var out = new ByteArrayOutputStream();
        MlflowTrackingJson.writeAll(out, "traces", IntStream.range(0, 3).mapToObj(MlflowTrackingJsonTest::item));
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo("{\"traces\":[{\"number\":0},{\"number\":1},{\"number\":2}]}");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 5_000})
    void aListOfWhichAnItemFailsHasNoEnd(int failing) {
        var out = new ByteArrayOutputStream();
        assertThatThrownBy(() -> MlflowTrackingJson.writeAll(
                        out, "traces", IntStream.range(0, 10_000).mapToObj(number -> {
                            if (number == failing) {
                                throw new IllegalStateException("the database has gone");
                            }
                            return item(number);
                        })))
                .hasMessage("the database has gone");
        assertThat(out.toString(StandardCharsets.UTF_8)).doesNotContain("]");
    }
}
