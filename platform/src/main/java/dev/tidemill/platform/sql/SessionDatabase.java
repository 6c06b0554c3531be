package dev.tidemill.platform.sql;

import java.time.Duration;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;

/** What a database does with the unit of work of its caller's thread, whichever product it is. */
abstract class SessionDatabase implements Database {
    /** How long the database reads for a request: who asks has gone by then, and the connections are everybody's. */
    static final Duration READ_DEADLINE = Duration.ofSeconds(20);

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
    public void afterCommit(Runnable action) {
        Session.current().ifPresentOrElse(session -> session.afterCommit(action), action);
    }

    @Override
    public Dialect dialect() {
        return dialect;
    }
}
