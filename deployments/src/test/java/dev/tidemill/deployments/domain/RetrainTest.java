package dev.tidemill.deployments.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.pipelines.domain.Pipeline;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RetrainTest {
    private static final Instant TRUSTED = Instant.parse("2026-02-01T00:00:00Z");

    private static Policy.Retrain with(Map<String, String> parameters) {
        return new Policy.Retrain("train", parameters, 0.15, 2, 3, Optional.empty(), Duration.ofDays(7));
    }

    private static Optional<Pipeline> pipeline(Pipeline.Parameter... parameters) {
        return Optional.of(new Pipeline(List.of(parameters), List.of()));
    }

    private static Pipeline.Parameter parameter(String name, Pipeline.Type type, String... otherwise) {
        return new Pipeline.Parameter(name, type, otherwise.length == 0 ? Optional.empty() : Optional.of(otherwise[0]));
    }

    @Test
    void untilIsGivenToAPipelineThatDeclaresIt() {
        var until = pipeline(parameter("until", Pipeline.Type.TIMESTAMP, ""));
        assertThat(with(Map.of()).start(until.orElseThrow(), TRUSTED)).isEqualTo(Map.of("until", TRUSTED.toString()));
        assertThat(with(Map.of()).obstacle(until)).isEmpty();
        assertThat(with(Map.of()).start(pipeline().orElseThrow(), TRUSTED)).isEmpty();
        assertThat(with(Map.of()).obstacle(pipeline())).isEmpty();
    }

    @Test
    void whatCouldNotBeStartedIsToldByName() {
        assertThat(with(Map.of()).obstacle(Optional.empty())).contains("there is no pipeline 'train'");
        assertThat(with(Map.of("windw", "P7D")).obstacle(pipeline(parameter("window", Pipeline.Type.DURATION, "P9D"))))
                .hasValueSatisfying(why -> assertThat(why)
                        .startsWith("pipeline 'train' cannot be started")
                        .endsWith("There is no parameter 'windw'; there are [window]"));
        assertThat(with(Map.of("window", "week"))
                        .obstacle(pipeline(parameter("window", Pipeline.Type.DURATION, "P9D"))))
                .hasValueSatisfying(why -> assertThat(why).contains("week"));
        assertThat(with(Map.of()).obstacle(pipeline(parameter("model", Pipeline.Type.TEXT))))
                .hasValueSatisfying(why -> assertThat(why).contains("'model' has no default"));
    }
}
