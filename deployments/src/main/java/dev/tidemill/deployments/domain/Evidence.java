package dev.tidemill.deployments.domain;

import dev.tidemill.statistics.ConfidenceSequence;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What matured labels say about challenger and champion on the same rows.
 *
 * @param rows labelled rows that both have scored
 * @param championError mean loss of the champion
 * @param challengerError mean loss of the challenger
 * @param lower bound on the mean difference, challenger less champion, that holds at every look
 * @param upper bound likewise
 */
public record Evidence(long rows, double championError, double challengerError, double lower, double upper) {
    /** A pair of losses on one row. */
    public record Pair(double champion, double challenger) {}

    /**
     * Weighs pairs in the order of their event time.
     *
     * @param tightestAt number of rows at which the bounds should be tightest
     */
    public static Evidence of(List<Pair> pairs, double confidence, int tightestAt) {
        var sequence = new ConfidenceSequence(1 - confidence, Math.max(1, tightestAt));
        double champion = 0;
        double challenger = 0;
        for (Pair pair : pairs) {
            champion += pair.champion();
            challenger += pair.challenger();
            sequence.add(pair.challenger() - pair.champion());
        }
        int n = Math.max(1, pairs.size());
        return new Evidence(pairs.size(), champion / n, challenger / n, sequence.lower(), sequence.upper());
    }

    public Map<String, Object> toMap() {
        var map = new LinkedHashMap<String, Object>();
        map.put("rows", rows);
        map.put("championError", championError);
        map.put("challengerError", challengerError);
        if (Double.isFinite(lower)) {
            map.put("differenceLower", lower);
            map.put("differenceUpper", upper);
        }
        return map;
    }
}
