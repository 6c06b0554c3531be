package dev.tidemill.inference.python;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.platform.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** An answer of many small columns is counted as what it is together. */
class PythonAnswerMemoryTest {
    @Test
    void smallColumnsAreCountedTogether() {
        List<Map<String, Object>> outputs = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            outputs.add(Map.of("name", "c" + i, "datatype", "FP64", "shape", List.of(1_000), "length", 8_000));
        }
        outputs.add(Map.of("name", "t", "datatype", "BYTES", "shape", List.of(2), "length", 20));
        long each = AnswerMemory.weight(Datatype.FP64, 1_000);
        assertThat(each).isLessThan(AnswerMemory.SMALL);
        assertThat(PythonWorker.weight(Json.objectMapper().valueToTree(outputs)))
                .isEqualTo(100 * each + AnswerMemory.weight(Datatype.BYTES, 2) + 20);
    }
}
