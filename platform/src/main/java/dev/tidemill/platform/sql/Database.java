package dev.tidemill.platform.sql;

import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/**
 * The database as stores see it: a JDBI handle that belongs to the caller's unit of work, or to one of its own where the
 * caller has none. Thread-safe.
 */
public interface Database extends Transactions, AutoCloseable {
    /** Gives the handle to work that writes, within the caller's unit of work or a new one. */
    <T> T writing(Function<Handle, T> work);

    /** Gives a handle to work that reads; inside a unit of work it sees that unit's own writes. */
    <T> T reading(Function<Handle, T> work);

    /**
     * As {@link #reading}, for what reads many rows: at most three quarters of the connections do so at a time, so that short reads
     * always find one. Who asks for such reads holds no more than half of them, so that there is a place for another; a place that
     * comes free goes to the caller who holds the fewest.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code UNAVAILABLE} if its turn does not come within a minute
     */
    <T> T readingLong(Function<Handle, T> work);

    /**
     * As {@link #readingLong}, for a search by clauses or in an order of its caller which no index serves, so that it may look at any
     * number of rows to find a few: it ends after 20 seconds, since who asks has gone by then, and the connections are everybody's.
     * Inside a unit of work it has no deadline.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code TIMEOUT} if it has not come to its end by then
     */
    <T> T searching(Function<Handle, T> work);

    /**
     * Has a check made when a unit of work that writes begins, and again before it commits; what it throws is the work's failure and
     * nothing is written. There is one check; another takes its place.
     */
    void guardWrites(Runnable check);

    /**
     * Work that reads and writes in a transaction of its own which no other work keeps waiting: where the database is a server, on a
     * connection of its own that is given up after some seconds without an answer. It is not asked of {@link #guardWrites}.
     */
    default <T> T apart(Function<Handle, T> work) {
        return writing(work);
    }

    /** Makes the check of {@link #guardWrites} without writing, if there is one. */
    void requireWritable();

    Dialect dialect();

    /** Brings every domain's schema up to date; see {@link Migrations}. */
    void migrate(java.util.List<String> domains);

    /** Brings domains' schemas to these versions, and no further, so that rows of that time fit; by domain. */
    void migrateTo(java.util.Map<String, String> versions);

    @Override
    void close();
}
