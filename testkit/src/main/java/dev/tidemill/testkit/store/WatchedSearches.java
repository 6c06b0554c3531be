package dev.tidemill.testkit.store;

import dev.tidemill.platform.sql.Database;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/** A database that tells which work takes its turn as a search, with a deadline. */
public final class WatchedSearches extends ForwardingDatabase {
    private final AtomicInteger searches = new AtomicInteger();

    public WatchedSearches(Database database) {
        super(database);
    }

    @Override
    public <T> T searching(Function<Handle, T> work) {
        searches.incrementAndGet();
        return super.searching(work);
    }

    /** How many searches a piece of work makes that take turns. */
    public int of(Runnable work) {
        int before = searches.get();
        work.run();
        return searches.get() - before;
    }
}
