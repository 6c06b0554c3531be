package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelParametersTest {
    private static final List<ParameterSpec> SPECS = List.of(
            new ParameterSpec("scale", ParameterSpec.Type.DOUBLE, false),
            new ParameterSpec("count", ParameterSpec.Type.INTEGER, false),
            new ParameterSpec("words", ParameterSpec.Type.STRING, true),
            new ParameterSpec("since", ParameterSpec.Type.DATETIME, false));

    @Test
    void declaredOnesAreGivenTheirType() {
        assertThat(ModelParameters.fit(
                        SPECS, Map.of("scale", 4, "count", 3L, "words", List.of("a"), "since", "2026-01-02")))
                .isEqualTo(Map.of("scale", 4.0, "count", 3L, "words", List.of("a"), "since", "2026-01-02"));
    }

    @Test
    void othersAreRefusedByName() {
        assertThatThrownBy(() -> ModelParameters.fit(SPECS, Map.of("other", 1)))
                .hasMessageContaining("no parameter 'other'")
                .hasMessageContaining("'scale', 'count'");
        for (Map<String, Object> wrong : List.<Map<String, Object>>of(
                Map.of("scale", "wide"),
                Map.of("count", 1.5),
                Map.of("count", 1L << 40),
                Map.of("words", "a"),
                Map.of("words", List.of(1)),
                Map.of("since", "soon"))) {
            assertThatThrownBy(() -> ModelParameters.fit(SPECS, wrong))
                    .hasMessageContaining(wrong.keySet().iterator().next());
        }
    }

    @Test
    void aModelWithoutProbabilitiesIsNotAskedForThem() {
        assertThat(ModelParameters.fit(SPECS, Map.of("probabilities", false))).isEmpty();
        assertThatThrownBy(() -> ModelParameters.fit(SPECS, Map.of("probabilities", true)))
                .hasMessageContaining("probabilities");
    }
}
