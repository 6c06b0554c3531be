package dev.tidemill.platform.retention;

import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;

/** Rows of a table that are kept for a while. Thread-safe. */
public final class SqlKeptRows implements Kept {
    /** Rows that one unit of work deletes: what it takes, its neighbours wait. */
    private static final int BATCH = 500;

    /** Share of the limit from which on the estimate of how many there are is checked. */
    private static final double NEAR = 0.8;

    private final Database database;
    private final String name;
    private final String table;
    private final Optional<Duration> keep;
    private final BiFunction<Instant, Integer, Integer> delete;
    private final Optional<Limit> limit;

    /** @param column time by which they are the oldest; it has an index */
    private record Limit(long most, String column) {}

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
        this(database, name, table, keep, delete, Optional.empty());
    }

    private SqlKeptRows(
            Database database,
            String name,
            String table,
            Optional<Duration> keep,
            BiFunction<Instant, Integer, Integer> delete,
            Optional<Limit> limit) {
        this.database = database;
        this.name = name;
        this.table = table;
        this.keep = keep;
        this.delete = delete;
        this.limit = limit;
    }

    /**
     * The same, and no more than so many, the newest, by a time that has an index.
     *
     * @param most 0 for any number
     */
    public SqlKeptRows limitedTo(long most, String column) {
        return new SqlKeptRows(
                database,
                name,
                table,
                keep,
                delete,
                most == 0 ? Optional.empty() : Optional.of(new Limit(most, column)));
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
    public OptionalLong most() {
        return limit.isPresent() ? OptionalLong.of(limit.get().most()) : OptionalLong.empty();
    }

    @Override
    public long entries() {
        return database.reading(handle -> handle.createQuery(database.dialect().aboutRows(table))
                .mapTo(Long.class)
                .one());
    }

    @Override
    public long collect(Instant now) {
        long deleted = keep.isPresent() ? deleteBefore(now.minus(keep.get())) : 0;
        return deleted + beyondLimit().map(this::deleteBefore).orElse(0L);
    }

    private long deleteBefore(Instant before) {
        long deleted = 0;
        int batch;
        do {
            batch = delete.apply(before, BATCH);
            deleted += batch;
        } while (batch > 0 && !Thread.currentThread().isInterrupted());
        return deleted;
    }

    /** Before when rows are more than may be, with what has the same time as the newest of them; empty if they are not. */
    private Optional<Instant> beyondLimit() {
        // The entries of an index are passed over only where the estimate says that there may be enough of them.
        return limit.filter(limited -> entries() > limited.most() * NEAR)
                .flatMap(limited -> database.reading(
                        handle -> handle.createQuery("SELECT %1$s FROM %2$s ORDER BY %1$s DESC LIMIT 1 OFFSET :most"
                                        .formatted(limited.column(), table))
                                .bind("most", limited.most())
                                .map((row, context) -> Columns.instant(row, limited.column()))
                                .findOne()))
                .map(newest -> newest.plusMillis(1));
    }
}
