package dev.tidemill.platform.retention;

import dev.tidemill.platform.sql.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.BiFunction;

/** Rows of a table that are kept for a while. Thread-safe. */
public final class SqlKeptRows implements Kept {
    private final Database database;
    private final String name;
    private final String table;
    private final Optional<Duration> keep;
    private final BiFunction<Instant, Integer, Integer> delete;

    /**
     * @param keep for how long; empty for ever
     * @param delete deletes at most so many that are older than a time, in one unit of work, and tells how many
     */
    public SqlKeptRows(
            Database database,
            String name,
            String table,
            Optional<Duration> keep,
            BiFunction<Instant, Integer, Integer> delete) {
        this.database = database;
        this.name = name;
        this.table = table;
        this.keep = keep;
        this.delete = delete;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Optional<Duration> keep() {
        return keep;
    }

    @Override
    public long entries() {
        return database.reading(handle -> handle.createQuery(database.dialect().aboutRows(table))
                .mapTo(Long.class)
                .one());
    }

    @Override
    public long collect(Instant now) {
        if (keep.isEmpty()) {
            return 0;
        }
        Instant before = now.minus(keep.get());
        return ShortUnits.delete(most -> delete.apply(before, most));
    }
}
