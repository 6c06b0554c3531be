package dev.tidemill.deployments.domain;

import dev.tidemill.inference.domain.InputPolicy;
import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * When to retrain, and what a challenger must show before it serves. All durations are event time.
 *
 * @param retrain none never retrains by itself
 * @param inputs what becomes of requests whose inputs are not the model's
 */
public record Policy(Optional<Retrain> retrain, Promotion promotion, InputPolicy inputs) {
    public Policy {
        // A policy that was kept by an earlier version does not say.
        inputs = Objects.requireNonNullElse(inputs, InputPolicy.REFUSE);
    }

    /**
     * Loss of quality retrains; drift alone does not.
     *
     * @param pipeline to run
     * @param parameters of the pipeline
     * @param tolerance share by which a window's error may exceed the champion's reference error
     * @param degraded number of windows that must be degraded
     * @param of number of newest windows looked at
     * @param atLeastEvery retrain when the champion's data is this old, whatever its quality
     * @param coolDown time after a decision during which nothing is retrained
     */
    public record Retrain(
            String pipeline,
            Map<String, String> parameters,
            double tolerance,
            int degraded,
            int of,
            Optional<Duration> atLeastEvery,
            Duration coolDown) {
        private static final String UNTIL = "until";

        /**
         * What the pipeline is started with: the policy's parameters and, where the pipeline declares it, {@code until}.
         *
         * @param trusted end of the labels that are trusted
         */
        public Map<String, String> start(Pipeline declared, Instant trusted) {
            var values = new TreeMap<>(parameters);
            if (declared.parameters().stream().anyMatch(one -> one.name().equals(UNTIL))) {
                values.put(UNTIL, trusted.toString());
            }
            return values;
        }

        /** Why the pipeline could not be started; empty where it could. */
        public Optional<String> obstacle(Optional<Pipeline> declared) {
            if (declared.isEmpty()) {
                return Optional.of("there is no pipeline '" + pipeline + "'");
            }
            try {
                Pipelines.values(declared.get(), start(declared.get(), Instant.EPOCH));
                return Optional.empty();
            } catch (TidemillException e) {
                return Optional.of(
                        "pipeline '" + pipeline + "' cannot be started with what the policy gives it: " + e.message());
            }
        }
    }

    /**
     * The gate, then shadow, then canary. Losses are summed over blocks of event time, since neighbouring rows depend on
     * each other; the bounds are computed from those sums.
     *
     * @param margin share of the champion's error by which a challenger may be worse and still count as not inferior
     * @param shadow how long the challenger scores all traffic without answering
     * @param canary how long it answers its share before it may be promoted
     * @param canaryAtMost how long either phase may take to convince
     * @param share of the traffic in canary
     * @param confidence of each bound on the excess of the challenger's error, which holds at every look
     * @param rows labelled rows without which nothing is decided
     * @param block length of the blocks
     * @param blocks complete blocks without which no bound decides; a week of days sees each weekday
     */
    public record Promotion(
            double margin,
            Duration shadow,
            Duration canary,
            Duration canaryAtMost,
            double share,
            double confidence,
            int rows,
            Duration block,
            int blocks) {
        public static final Duration DAY = Duration.ofDays(1);
        public static final int WEEK_OF_DAYS = 7;
        /** Labelled rows without which nothing is decided, where no policy says how many. */
        public static final int ROWS = 48;

        public Promotion {
            // What was stored before there were blocks names none.
            block = Objects.requireNonNullElse(block, DAY);
            blocks = blocks == 0 ? WEEK_OF_DAYS : blocks;
        }
    }
}
