package dev.tidemill.platform.sql;

/** Tells what may have to wait for others whether it is called within a unit of work, of which it must be no part. */
public final class UnitOfWork {
    private UnitOfWork() {}

    /** Whether the calling thread runs one, of any database, that writes or only reads. */
    public static boolean isUnderWay() {
        return Session.current().isPresent();
    }
}
