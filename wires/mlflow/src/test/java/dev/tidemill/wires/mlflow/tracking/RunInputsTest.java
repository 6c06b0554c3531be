package dev.tidemill.wires.mlflow.tracking;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Names of what a run has read or made are bounded before they are kept: others make folders of them. */
class RunInputsTest {
    private static MlflowRequest models(String id) {
        ObjectNode told = Json.object();
        told.putArray("models").addObject().put("model_id", id).put("step", 3);
        return MlflowRequest.of(told);
    }

    private static MlflowRequest dataSet(String field, String value) {
        ObjectNode told = Json.object();
        told.putArray("datasets")
                .addObject()
                .putObject("dataset")
                .put("name", "n")
                .put("digest", "d")
                .put("source_type", "local")
                .put("source", "s")
                .put(field, value);
        return MlflowRequest.of(told);
    }

    @Test
    void aModelIsNamedByItsId() {
        for (String id : List.of("m-0123456789abcdef0123456789abcdef", "a", "A_b-9")) {
            assertThat(RunInputs.models(models(id), "models", true)).containsExactly(new ModelLink(id, true, 3));
        }
        for (String id :
                List.of("../../../../pwned2", "/etc", "a/b", ".", "..", "-a", "a b", "m\\a", "m-1\n", "a".repeat(65))) {
            for (boolean output : new boolean[] {true, false}) {
                assertThatThrownBy(() -> RunInputs.models(models(id), "models", output))
                        .as(id)
                        .isInstanceOf(TidemillException.class)
                        .hasMessageContaining("is not a model's id");
            }
        }
    }

    @Test
    void dataSetsKeepToMlflowsLimitsWhoeverTellsThem() {
        for (String field : List.of("name", "digest", "source", "schema", "profile")) {
            int most =
                    switch (field) {
                        case "name" -> 500;
                        case "digest" -> 36;
                        case "source" -> 65_535;
                        case "schema" -> 1_048_575;
                        default -> 16_777_215;
                    };
            assertThat(RunInputs.dataSets(dataSet(field, "x".repeat(most)), "datasets"))
                    .hasSize(1);
            assertThatThrownBy(() -> RunInputs.dataSets(dataSet(field, "x".repeat(most + 1)), "datasets"))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("'" + field + "' exceeds the maximum length of " + most);
        }
    }

    /** The rest of the run is taken in all the same. */
    @Test
    void whatAnImportCannotTakeIsLeftOutAndSaid() {
        var left = new ArrayList<String>();
        assertThat(RunInputs.takenDataSets(dataSet("digest", "x".repeat(37)), "datasets", left))
                .isEmpty();
        assertThat(RunInputs.takenModels(models("../../x"), "models", true, left))
                .isEmpty();
        assertThat(left)
                .hasSize(2)
                .anySatisfy(one -> assertThat(one).contains("data set", "'digest' exceeds the maximum length of 36"))
                .anySatisfy(one -> assertThat(one).contains("model", "'../../x' is not a model's id"));
        assertThat(RunInputs.takenModels(models("m-1"), "models", true, left)).hasSize(1);
        assertThat(left).hasSize(2);
    }
}
