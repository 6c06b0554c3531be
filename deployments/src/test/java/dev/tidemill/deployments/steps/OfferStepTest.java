package dev.tidemill.deployments.steps;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OfferStepTest {
    @Test
    void metricsThatComeFromParametersCountAsThoseOfAnEvaluation() {
        assertThat(OfferStep.errors(Map.of("error", "1.25", "champion_error", 2, "per_class", List.of(1, 2))))
                .isEqualTo(Map.of("error", 1.25, "champion_error", 2.0));
    }

    @Test
    void whatAParameterLeavesEmptyIsNotGiven() {
        assertThat(OfferStep.errors(Map.of("error", "", "champion_error", "2")))
                .isEqualTo(Map.of("champion_error", 2.0));
    }

    @Test
    void aTextThatIsNoNumberIsRefusedByName() {
        assertThatThrownBy(() -> OfferStep.errors(Map.of("error", "low")))
                .hasMessageContaining("'low' is not a number");
    }
}
