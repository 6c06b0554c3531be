package dev.tidemill.deployments.domain;

import dev.tidemill.statistics.SequentialTTest;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What matured labels say about challenger and champion on the same rows. The unit of analysis is the block of event time:
 * rows of one block depend on each other, and their sums are what the bounds are computed from.
 *
 * @param rows labelled rows that both have scored, in all blocks
 * @param championError mean loss of the champion
 * @param challengerError mean loss of the challenger
 * @param blockLength length of a block
 * @param blocks complete blocks with such rows
 * @param effectiveBlocks independent blocks that these count as, given their autocorrelation
 * @param autocorrelation of the sums of neighbouring blocks, corrected as {@link SequentialTTest} says
 * @param lower bound on the excess: challenger's mean loss less champion's mean loss and margin; it holds at every look
 * @param upper bound likewise
 * @param unlike rows that both have scored by losses of different kinds, which count in none of the above
 */
public record Evidence(
        long rows,
        double championError,
        double challengerError,
        Duration blockLength,
        int blocks,
        double effectiveBlocks,
        double autocorrelation,
        double lower,
        double upper,
        Unlike unlike) {
    /**
     * Rows of which one side's loss is 0 or 1, by class, and the other's a distance, so that neither tells which side is better.
     *
     * @param championByClass rows with a loss by class of the champion
     * @param challengerByClass rows with a loss by class of the challenger
     */
    public record Unlike(long championByClass, long challengerByClass) {
        public static final Unlike NONE = new Unlike(0, 0);

        public long rows() {
            return championByClass + challengerByClass;
        }

        private Unlike plus(Unlike other) {
            return new Unlike(championByClass + other.championByClass, challengerByClass + other.challengerByClass);
        }
    }

    /**
     * Losses of an interval of event time, summed over the labelled rows that both have scored by losses of one kind.
     *
     * @param champion sum of the champion's losses
     * @param challenger sum of the challenger's losses
     * @param byClass whether a loss is 0 where a class was right, else 1
     */
    public record Sums(
            Instant startsAt,
            Instant endsAt,
            long rows,
            double champion,
            double challenger,
            boolean byClass,
            Unlike unlike) {
        /** Of losses that are distances. */
        public Sums(Instant startsAt, Instant endsAt, long rows, double champion, double challenger) {
            this(startsAt, endsAt, rows, champion, challenger, false, Unlike.NONE);
        }
    }

    /**
     * Weighs the sums.
     *
     * @param sums in the order of event time, none longer than needed to fall into one block
     * @param since when the challenger was offered: blocks are counted from here
     * @param trusted event time up to which labels have matured; the block that it falls into is not complete and left out
     */
    public static Evidence of(List<Sums> sums, Instant since, Instant trusted, Policy.Promotion policy) {
        var blocks = new TreeMap<Long, double[]>();
        long length = policy.block().toMillis();
        for (Sums part : sums) {
            long block = Math.floorDiv(part.startsAt().toEpochMilli() - since.toEpochMilli(), length);
            boolean complete = since.toEpochMilli() + (block + 1) * length <= trusted.toEpochMilli();
            if (complete && part.rows() > 0) {
                double[] sum = blocks.computeIfAbsent(block, key -> new double[3]);
                sum[0] += part.rows();
                sum[1] += part.champion();
                sum[2] += part.challenger();
            }
        }
        double rows = total(blocks, 0);
        double[] excess = blocks.values().stream()
                .mapToDouble(sum -> sum[2] - (1 + policy.margin()) * sum[1])
                .toArray();
        SequentialTTest.Bounds bounds = SequentialTTest.bounds(excess, policy.confidence());
        double lower = bounds.lower();
        double upper = bounds.upper();
        if (sums.stream().anyMatch(Sums::byClass)) {
            // The one error more is the challenger's for the upper bound, and for the lower the champion's, which
            // weighs more by the margin.
            lower = -SequentialTTest.upper(negated(excess), 1 + policy.margin(), policy.confidence());
            upper = SequentialTTest.upper(excess, 1, policy.confidence());
        }
        double scale = blocks.size() / Math.max(1, rows);
        return new Evidence(
                (long) rows,
                total(blocks, 1) / Math.max(1, rows),
                total(blocks, 2) / Math.max(1, rows),
                policy.block(),
                blocks.size(),
                bounds.effective(),
                bounds.autocorrelation(),
                lower * scale,
                upper * scale,
                sums.stream().map(Sums::unlike).reduce(Unlike.NONE, Unlike::plus));
    }

    private static double[] negated(double[] values) {
        return Arrays.stream(values).map(value -> -value).toArray();
    }

    private static double total(TreeMap<Long, double[]> blocks, int part) {
        return blocks.values().stream().mapToDouble(sum -> sum[part]).sum();
    }

    public Map<String, Object> toMap() {
        var map = new LinkedHashMap<String, Object>();
        map.put("rows", rows);
        map.put("championError", championError);
        map.put("challengerError", challengerError);
        map.put("blockLength", blockLength.toString());
        map.put("blocks", blocks);
        map.put("effectiveBlocks", effectiveBlocks);
        map.put("autocorrelation", autocorrelation);
        if (Double.isFinite(lower)) {
            map.put("excessLower", lower);
            map.put("excessUpper", upper);
        }
        if (unlike.rows() > 0) {
            map.put("unlikeRows", unlike.rows());
        }
        return map;
    }
}
