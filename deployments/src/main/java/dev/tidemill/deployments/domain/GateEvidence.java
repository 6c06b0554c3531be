package dev.tidemill.deployments.domain;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a candidate before it is tried.
 *
 * @param error of the candidate on all held-out rows; NaN if it gave no valid prediction
 * @param comparedError the same on the rows that the champion was measured on
 * @param championError error of the champion on those; empty if they were not compared
 * @param unseenRows labelled held-out rows that the champion was not trained on; empty if nobody has said
 * @param neededRows so many of them a comparison takes; empty if nobody has said
 */
public record GateEvidence(
        double error,
        double comparedError,
        OptionalDouble championError,
        OptionalLong unseenRows,
        OptionalLong neededRows) {
    /**
     * Reads the metrics of {@code training.evaluate}: {@code error}, and with a champion {@code champion_unseen_rows} and either
     * {@code champion_error} and {@code compared_error} or {@code champion_rows_needed}. Metrics from elsewhere may hold
     * {@code error} and {@code champion_error} alone, which are of the same rows then.
     */
    public static GateEvidence of(Map<String, Double> metrics) {
        double error = metrics.getOrDefault("error", Double.NaN);
        Double champion = metrics.get("champion_error");
        return new GateEvidence(
                error,
                metrics.getOrDefault("compared_error", error),
                champion == null ? OptionalDouble.empty() : OptionalDouble.of(champion),
                whole(metrics.get("champion_unseen_rows")),
                whole(metrics.get("champion_rows_needed")));
    }

    private static OptionalLong whole(@Nullable Double value) {
        return value == null ? OptionalLong.empty() : OptionalLong.of(value.longValue());
    }
}
