package dev.tidemill.monitoring.domain;

import dev.tidemill.statistics.WindowProfile;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The journal of a short interval of event time, summed once its labels have matured. Windows and trials are put together
 * from slices, so that no row is read twice.
 *
 * @param version champion whose reference the profile is counted by
 * @param loss sum of the losses of what was answered
 * @param trials by version of the challenger
 * @param counts of the reference's bins by column; empty where there is no reference or no need any more
 */
public record Slice(
        Instant startsAt,
        Instant endsAt,
        int version,
        long rows,
        long labelled,
        double loss,
        Map<Integer, Trial> trials,
        Map<String, long[]> counts) {
    /** Losses on labelled rows that champion and challenger have both scored. */
    public record Trial(long rows, double champion, double challenger) {}

    /** Sums rows one by one, in their order, so that the sums are the same bits whenever they are made. Not thread-safe. */
    static final class Builder {
        private final Map<Integer, Trial> trials = new TreeMap<>();
        private final Optional<WindowProfile> profile;
        private long rows;
        private long labelled;
        private double loss;

        Builder(Optional<WindowProfile> reference) {
            profile = reference.map(before -> new WindowProfile(before.bins()));
        }

        void add(JournalRow row) {
            rows++;
            row.servedLoss().ifPresent(value -> {
                labelled++;
                loss += value;
            });
            if (row.challengerVersion().isPresent()
                    && row.championLoss().isPresent()
                    && row.challengerLoss().isPresent()) {
                var pair = new Trial(
                        1, row.championLoss().get(), row.challengerLoss().get());
                trials.merge(
                        row.challengerVersion().get(),
                        pair,
                        (a, b) -> new Trial(
                                a.rows() + b.rows(), a.champion() + b.champion(), a.challenger() + b.challenger()));
            }
            profile.ifPresent(counts -> counts.add(values(row)));
        }

        private static Map<String, Object> values(JournalRow row) {
            var values = new HashMap<>(row.features());
            if (!row.served().isEmpty()) {
                values.put("prediction", row.served().getFirst());
            }
            return values;
        }

        Slice build(Instant startsAt, Instant endsAt, int version) {
            var counts = new TreeMap<String, long[]>();
            profile.ifPresent(made -> made.bins().keySet().forEach(column -> counts.put(column, made.counts(column))));
            return new Slice(startsAt, endsAt, version, rows, labelled, loss, trials, counts);
        }
    }
}
