package dev.tidemill.monitoring.domain;

import dev.tidemill.monitoring.domain.JournalStore.Position;
import dev.tidemill.monitoring.domain.JournalStore.Range;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.retention.LimitedRows;
import dev.tidemill.platform.retention.ShortUnits;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Of each deployment no more than a number of predictions stays, the newest by event time. Those that are held as far ahead are
 * counted apart, so that they drive out nothing that is believed. No deployment's predictions go for another's. Thread-safe.
 */
public final class PredictionLimit {
    private static final Logger LOG = LoggerFactory.getLogger(PredictionLimit.class);

    private final JournalStore journal;
    private final MonitorStore monitors;
    private final long most;

    private PredictionLimit(JournalStore journal, MonitorStore monitors, long most) {
        this.journal = journal;
        this.monitors = monitors;
        this.most = most;
    }

    /**
     * Predictions that are kept by age, and by number too.
     *
     * @param most of one deployment; 0 for any number
     */
    public static Kept on(Kept byAge, JournalStore journal, MonitorStore monitors, long most) {
        return new LimitedRows(byAge, most, new PredictionLimit(journal, monitors, most)::delete);
    }

    private long delete() {
        return monitors.states().stream().mapToLong(this::delete).sum();
    }

    private long delete(MonitorState state) {
        Instant believed = state.clock().watermark().plusMillis(1);
        var counted = new Range(state.project(), state.deployment(), MonitorStore.BEGINNING, believed);
        var ahead = new Range(state.project(), state.deployment(), believed, Instant.ofEpochMilli(Long.MAX_VALUE));
        Optional<Position> last = journal.beyond(counted, most);
        last.map(Position::eventTime)
                .filter(time -> state.slicedTill().isEmpty()
                        || time.isAfter(state.slicedTill().get()))
                .ifPresent(time -> LOG.warn(
                        "Predictions of deployment {} of project {} up to {} go before monitoring has counted them: there are more"
                                + " than {} ('retention.predictions-limit'); their labels will find nothing",
                        state.deployment(),
                        state.project(),
                        time,
                        most));
        return last.map(position -> delete(counted, position)).orElse(0L)
                + journal.beyond(ahead, most)
                        .map(position -> delete(ahead, position))
                        .orElse(0L);
    }

    private long delete(Range range, Position last) {
        return ShortUnits.delete(limit -> journal.deleteUntil(range, last, limit));
    }
}
