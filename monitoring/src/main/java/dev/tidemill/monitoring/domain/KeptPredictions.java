package dev.tidemill.monitoring.domain;

import dev.tidemill.monitoring.domain.JournalStore.Position;
import dev.tidemill.monitoring.domain.JournalStore.Range;
import dev.tidemill.platform.retention.Kept;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Predictions with their labels: kept for a time since they were received, and of each deployment no more than a number, the newest
 * by event time. Those that are held as far ahead are counted apart, so that they drive out nothing that is believed. No deployment's
 * predictions go for another's. Thread-safe.
 */
public final class KeptPredictions implements Kept {
    private static final Logger LOG = LoggerFactory.getLogger(KeptPredictions.class);
    /** Rows that one unit of work deletes: what it takes, its neighbours wait. */
    private static final int BATCH = 500;
    /** Share of the limit from which on the estimate of how many there are in all is looked into. */
    private static final double NEAR = 0.8;

    private final Kept byAge;
    private final JournalStore journal;
    private final MonitorStore monitors;
    private final long most;

    /**
     * @param byAge the same, by age alone
     * @param most predictions of one deployment; 0 for any number
     */
    public KeptPredictions(Kept byAge, JournalStore journal, MonitorStore monitors, long most) {
        this.byAge = byAge;
        this.journal = journal;
        this.monitors = monitors;
        this.most = most;
    }

    @Override
    public String name() {
        return byAge.name();
    }

    @Override
    public Optional<Duration> keep() {
        return byAge.keep();
    }

    @Override
    public OptionalLong most() {
        return most == 0 ? OptionalLong.empty() : OptionalLong.of(most);
    }

    @Override
    public long entries() {
        return byAge.entries();
    }

    @Override
    public long collect(Instant now) {
        long deleted = byAge.collect(now);
        if (most == 0 || entries() < most * NEAR) {
            return deleted;
        }
        for (MonitorState state : monitors.states()) {
            deleted += collect(state);
        }
        return deleted;
    }

    private long collect(MonitorState state) {
        Instant believed = state.clock().watermark().plusMillis(1);
        var counted = new Range(state.project(), state.deployment(), Instant.EPOCH, believed);
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
        long deleted = 0;
        int batch;
        do {
            batch = journal.deleteUntil(range, last, BATCH);
            deleted += batch;
        } while (batch > 0 && !Thread.currentThread().isInterrupted());
        return deleted;
    }
}
