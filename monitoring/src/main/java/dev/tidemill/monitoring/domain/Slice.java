package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.statistics.WindowProfile;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The journal of a short interval of event time, summed once its labels have matured. Windows and trials are put together
 * from slices, so that no row is read twice.
 *
 * @param version champion whose reference the profile is counted by
 * @param loss sum of the losses of what was answered
 * @param kinds of those losses, as far as they are known; a sum of several is no error
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
        Set<MeasuredLoss.Kind> kinds,
        Map<Integer, Trial> trials,
        Map<String, long[]> counts) {
    /**
     * Losses on labelled rows that champion and challenger have both scored.
     *
     * @param rows with losses of one kind, which are summed
     * @param championByClass rows that are not, since the champion's loss is that of a class and the challenger's a distance
     * @param challengerByClass rows that are not, the other way round
     */
    public record Trial(long rows, double champion, double challenger, long championByClass, long challengerByClass) {
        private static Trial of(JournalRow row, double champion, double challenger) {
            Optional<MeasuredLoss.Kind> one = row.championLossKind();
            Optional<MeasuredLoss.Kind> other = row.challengerLossKind();
            if (one.isEmpty() || other.isEmpty() || one.equals(other)) {
                return new Trial(1, champion, challenger, 0, 0);
            }
            boolean championByClass = one.get() == MeasuredLoss.Kind.CLASS;
            return new Trial(0, 0, 0, championByClass ? 1 : 0, championByClass ? 0 : 1);
        }

        private static Trial sum(Trial one, Trial other) {
            return new Trial(
                    one.rows + other.rows,
                    one.champion + other.champion,
                    one.challenger + other.challenger,
                    one.championByClass + other.championByClass,
                    one.challengerByClass + other.challengerByClass);
        }

        /**
         * As evidence of an interval of event time.
         *
         * @param byClass whether the losses are those of classes
         */
        public Evidence.Sums evidence(Instant startsAt, Instant endsAt, boolean byClass) {
            return new Evidence.Sums(
                    startsAt,
                    endsAt,
                    rows,
                    champion,
                    challenger,
                    byClass,
                    new Evidence.Unlike(championByClass, challengerByClass));
        }
    }

    /** Whether the losses of what was answered are those of classes. */
    public boolean isByClass() {
        return kinds.contains(MeasuredLoss.Kind.CLASS);
    }

    /** Sums rows one by one, in their order, so that the sums are the same bits whenever they are made. Not thread-safe. */
    static final class Builder {
        private final Map<Integer, Trial> trials = new TreeMap<>();
        private final Set<MeasuredLoss.Kind> kinds = EnumSet.noneOf(MeasuredLoss.Kind.class);
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
                row.servedLossKind().ifPresent(kinds::add);
            });
            if (row.challengerVersion().isPresent()
                    && row.championLoss().isPresent()
                    && row.challengerLoss().isPresent()) {
                trials.merge(
                        row.challengerVersion().get(),
                        Trial.of(
                                row,
                                row.championLoss().get(),
                                row.challengerLoss().get()),
                        Trial::sum);
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
            return new Slice(startsAt, endsAt, version, rows, labelled, loss, kinds, trials, counts);
        }
    }
}
