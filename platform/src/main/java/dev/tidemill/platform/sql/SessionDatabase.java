package dev.tidemill.platform.sql;

import java.time.Duration;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/** What a database does with the unit of work of its caller's thread, whichever product it is. */
abstract class SessionDatabase implements Database {
    /** How long a search may take. */
    static final Duration SEARCH_DEADLINE = Duration.ofSeconds(20);

    private final Dialect dialect;
    private final LongReads longReads;

    /** @param readers connections that read at a time */
    SessionDatabase(Dialect dialect, int readers) {
        this.dialect = dialect;
        this.longReads = new LongReads(readers);
    }

    @Override
    public <T> T writing(Function<Handle, T> work) {
        return write(() ->
                work.apply(Session.current().orElseThrow().requireWritable().handle()));
    }

    @Override
    public <T> T reading(Function<Handle, T> work) {
        return read(() -> work.apply(Session.current().orElseThrow().handle()));
    }

    @Override
    public <T> T readingLong(Function<Handle, T> work) {
        return longReads.inTurn(() -> reading(work));
    }

    @Override
    public <T> T searching(Function<Handle, T> work) {
        return Session.current().isPresent()
                ? reading(work)
                : longReads.inTurn(() -> reading(handle -> within(handle, SEARCH_DEADLINE, work)));
    }

    /** Does work that only reads, and has what it asks of the connection fail once the time is over. */
    abstract <T> T within(Handle handle, Duration time, Function<Handle, T> work);

    @Override
    public void afterCommit(Runnable action) {
        Session.current().ifPresentOrElse(session -> session.afterCommit(action), action);
    }

    @Override
    public Dialect dialect() {
        return dialect;
    }
}
