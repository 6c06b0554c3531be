package dev.tidemill.platform.retention;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;

/** Rows of a table that are kept for a while, and no more of them than so many, the newest. Thread-safe. */
public final class SqlNewestRows implements Kept {
    private static final int BATCH = 500;

    /** Share of the limit from which on the estimate of how many there are is checked. */
    private static final double NEAR = 0.8;

    private final Kept byAge;
    private final Database database;
    private final String newest;
    private final long most;
    private final BiFunction<Instant, Integer, Integer> delete;

    /**
     * @param byAge the rows, which have a time that is named {@code record_time} and has an index
     * @param most how many stay
     * @param delete deletes at most so many that are older than a time, in one unit of work, and tells how many
     */
    public SqlNewestRows(
            Kept byAge, Database database, String table, long most, BiFunction<Instant, Integer, Integer> delete) {
        this.byAge = byAge;
        this.database = database;
        this.newest = "SELECT record_time FROM " + table + " ORDER BY record_time DESC LIMIT 1 OFFSET :most";
        this.most = most;
        this.delete = delete;
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
        return OptionalLong.of(most);
    }

    @Override
    public long entries() {
        return byAge.entries();
    }

    @Override
    public long collect(Instant now) {
        long deleted = byAge.collect(now);
        Optional<Instant> before = beyondLimit();
        int batch = before.isPresent() ? BATCH : 0;
        while (batch > 0 && !Thread.currentThread().isInterrupted()) {
            batch = delete.apply(before.get(), BATCH);
            deleted += batch;
        }
        return deleted;
    }

    /** Before when rows are more than may be, with what has the same time as the newest of them; empty if they are not. */
    private Optional<Instant> beyondLimit() {
        // The entries of an index are passed over only where the estimate says that there may be enough of them.
        if (entries() <= most * NEAR) {
            return Optional.empty();
        }
        return database.reading(handle -> handle.createQuery(newest)
                        .bind("most", most)
                        .map((row, context) -> Columns.instant(row, "record_time"))
                        .findOne())
                .map(time -> time.plusMillis(1));
    }
}
