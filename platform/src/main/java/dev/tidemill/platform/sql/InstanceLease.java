package dev.tidemill.platform.sql;

import dev.tidemill.platform.config.DataDirectory;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.HeldElsewhere;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Binds a database that several servers can reach to the one data directory that holds its files, and to the server that has
 * that directory open. A second server with another directory would keep half of the files where the first cannot find them.
 *
 * <p>A server whose lease is over, or has gone to another, writes nothing more: the database asks {@link #requireHeld} when a unit
 * of work that writes begins and again before it commits. A lease is over for its holder {@link #MARGIN} before it is for others,
 * by as much as clocks of two hosts may differ. Times come from the holder's clock alone. One that is over is renewed as soon as the
 * database can be reached, if nobody has taken it; one that another holds is lost until the server starts anew.
 *
 * <p>A server that is stopped between its last look at the clock and its commit would still write when it wakes. Whoever takes the
 * database therefore has it end the connections of whoever held it first, which it knows by the beginning of their name: what was not
 * committed by then never is. That holds in the same directory too, whose lock may have been removed.
 *
 * <p>A lease is known by the time until which it was last written to run, so that of two servers in one directory the first one learns
 * that the second has taken it.
 */
public final class InstanceLease implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(InstanceLease.class);
    static final Duration LENGTH = Duration.ofSeconds(20);
    private static final Duration RENEWAL = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofMillis(500);
    static final Duration MARGIN = Duration.ofSeconds(2);

    /** Where the server is that holds a database, and until when it does. */
    record Holder(String directoryId, String directory, String host, Instant leaseUntil) {}

    private static final Duration FENCING = Duration.ofSeconds(10);

    private final Database database;
    private final Holder self;
    private final Clock clock;
    /** Of the system: models that compute for long may hold every carrier of virtual threads (ADR 13). */
    private final Thread renewer =
            Thread.ofPlatform().daemon().name("instance-lease").unstarted(this::renewUntilClosed);

    private volatile boolean closed;
    /** Until when the lease runs, as it is known to be written. */
    private volatile Instant written;
    /** As the newest renewal wrote it, whose outcome may not be known. */
    private volatile Instant attempted;

    private volatile Instant heldUntil;
    private volatile Optional<Holder> successor = Optional.empty();

    private InstanceLease(Database database, Holder self, Instant claimedAt, Clock clock) {
        this.database = database;
        this.self = self;
        this.clock = clock;
        this.written = claimedAt.plus(LENGTH);
        this.heldUntil = written.minus(MARGIN);
        this.attempted = written;
    }

    /**
     * What the connections of the server are called that has this directory open: by the place, so that whoever follows can end them,
     * and by this time that it is open, so that whoever follows in the same place keeps its own.
     */
    public static String connections(DataDirectory directory) {
        return place(self(directory)) + directory.opening();
    }

    private static String place(Holder holder) {
        String where = String.join("\n", holder.directoryId(), holder.directory(), holder.host());
        return "tidemill " + Ids.sha256(where).substring(0, 16) + " ";
    }

    private static Holder self(DataDirectory directory) {
        return new Holder(
                directory.identity(),
                directory.path().toAbsolutePath().normalize().toString(),
                host(),
                Instant.EPOCH);
    }

    /**
     * Takes the database for a directory before its schema is touched, which the server that holds it may be using; a database that is
     * new, or of a time without leases, gets the table of leases first.
     *
     * @throws TidemillException as {@link #claim}
     */
    public static InstanceLease claimUnmigrated(
            Database database, DataDirectory directory, boolean takeOver, Clock clock) {
        if (!hasLeases(database)) {
            database.migrate(List.of("platform"));
        }
        return claim(database, directory, takeOver, clock);
    }

    private static boolean hasLeases(Database database) {
        return database.apart(handle -> handle.createQuery("SELECT to_regclass('server_instance') IS NOT NULL")
                .mapTo(Boolean.class)
                .one());
    }

    /** Whether the database says that its files are in this directory. */
    static boolean isBound(Database database, DataDirectory directory) {
        return hasLeases(database)
                && database.<Optional<Holder>>apart(InstanceLease::holder)
                        .filter(holder -> holder.directoryId().equals(directory.identity()))
                        .isPresent();
    }

    /**
     * Takes the database for a directory. A server that ended without a word in the same directory is followed at once; one on
     * another host, or before its directory was moved, once its lease is over.
     *
     * @param takeOver whether to bind the database to this directory though another, which is lost, is said to hold its files
     * @throws TidemillException {@code FAILED_PRECONDITION} if another directory holds the database's files, or a server elsewhere
     *     has this one open
     */
    public static InstanceLease claim(Database database, DataDirectory directory, boolean takeOver, Clock clock) {
        Holder self = self(directory);
        Instant patience = clock.instant().plus(LENGTH).plus(RENEWAL);
        while (true) {
            Instant now = clock.instant();
            fence(database, self, connections(directory), takeOver, now);
            Optional<Holder> other = database.apart(handle -> tryClaim(handle, self, takeOver, now));
            if (other.isEmpty()) {
                var lease = new InstanceLease(database, self, now, clock);
                database.guardWrites(lease::requireHeld);
                lease.renewer.start();
                return lease;
            }
            if (!other.get().directoryId().equals(self.directoryId())) {
                throw elsewhere(other.get(), clock.instant());
            }
            if (clock.instant().isAfter(patience)) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The database is used by a server on "
                                        + other.get().host() + " in directory "
                                        + other.get().directory())
                        .at("database")
                        .remedy("Stop that server first, or wait for it with --standby")
                        .causedBy(new HeldElsewhere());
            }
            pause();
        }
    }

    /**
     * Refuses to write for a server that does not hold the database.
     *
     * @throws TidemillException {@code UNAVAILABLE} if the lease is over or has gone to another server
     */
    private void requireHeld() {
        successor.ifPresent(holder -> {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "The database has been taken by a server on " + holder.host() + " in directory "
                                    + holder.directory() + "; this one writes nothing more")
                    .remedy("Use that server and stop this one");
        });
        if (closed) {
            throw new TidemillException(ErrorCode.UNAVAILABLE, "The server is closing and has given its database back");
        }
        if (!clock.instant().isBefore(heldUntil)) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "This server's lease on the database could not be renewed in time, so another may have taken it")
                    .remedy("Try again in some seconds: it goes on once the lease is renewed");
        }
    }

    /** Ends the connections of whoever held the database, if it is about to be taken. */
    private static void fence(Database database, Holder self, String own, boolean takeOver, Instant now) {
        Optional<Holder> holder = database.apart(InstanceLease::holder);
        if (holder.isEmpty() || !mayFollow(holder.get(), self, takeOver, now)) {
            return;
        }
        String place = place(holder.get());
        long until = System.nanoTime() + FENCING.toNanos();
        while (database.apart(handle -> ended(handle, place, own)) > 0) {
            if (System.nanoTime() > until) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The connections of the server on "
                                        + holder.get().host() + " in directory "
                                        + holder.get().directory() + " to the database could not be ended")
                        .at("database")
                        .remedy("Stop that server first");
            }
            pause();
        }
    }

    /** Has the database end all connections of a place to it but one's own; gives how many there still were. */
    private static int ended(Handle handle, String place, String own) {
        return handle.createQuery("SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        + " WHERE datname = current_database() AND application_name LIKE :place || '%'"
                        + " AND application_name <> :own")
                .bind("place", place)
                .bind("own", own)
                .mapTo(Integer.class)
                .one();
    }

    private static Optional<Holder> holder(Handle handle) {
        return handle.createQuery("SELECT * FROM server_instance WHERE name = 'server'")
                .map((row, context) -> new Holder(
                        row.getString("directory_id"),
                        row.getString("directory"),
                        row.getString("host"),
                        Columns.instant(row, "lease_until")))
                .findOne();
    }

    /** The directory's own lock shows that whoever had it open has ended, or has lost it. */
    private static boolean isSamePlace(Holder holder, Holder self) {
        return holder.directoryId().equals(self.directoryId())
                && holder.directory().equals(self.directory())
                && holder.host().equals(self.host());
    }

    private static boolean mayFollow(Holder holder, Holder self, boolean takeOver, Instant now) {
        boolean live = holder.leaseUntil().isAfter(now);
        return isSamePlace(holder, self)
                || (!live && (takeOver || holder.directoryId().equals(self.directoryId())));
    }

    /** Empty if the database is held by this server now; else who holds it. */
    private static Optional<Holder> tryClaim(Handle handle, Holder self, boolean takeOver, Instant now) {
        insert(handle, self, now, "ON CONFLICT (name) DO NOTHING");
        // Locks the row on PostgreSQL, so that of two servers that start together one sees the other.
        handle.execute("UPDATE server_instance SET name = name WHERE name = 'server'");
        Holder holder = holder(handle).orElseThrow();
        if (!mayFollow(holder, self, takeOver, now)) {
            return Optional.of(holder);
        }
        insert(
                handle,
                self,
                now,
                "ON CONFLICT (name) DO UPDATE SET directory_id = excluded.directory_id, directory = excluded.directory,"
                        + " host = excluded.host, lease_until = excluded.lease_until");
        return Optional.empty();
    }

    private static void insert(Handle handle, Holder self, Instant now, String onConflict) {
        handle.createUpdate("INSERT INTO server_instance (name, directory_id, directory, host, lease_until)"
                        + " VALUES ('server', :directoryId, :directory, :host, :until) " + onConflict)
                .bind("directoryId", self.directoryId())
                .bind("directory", self.directory())
                .bind("host", self.host())
                .bind("until", now.plus(LENGTH))
                .execute();
    }

    private static TidemillException elsewhere(Holder holder, Instant now) {
        boolean live = holder.leaseUntil().isAfter(now);
        return new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "The files of this database are in directory " + holder.directory() + " on " + holder.host()
                                + (live ? ", where a server is running" : ""))
                .at("data-dir")
                .remedy(
                        live
                                ? "Use that server, or stop it and start this one with that directory"
                                : "Start with that directory or a copy of it; if it is lost for good, start once with"
                                        + " TIDEMILL_DATABASE_TAKE_OVER=true");
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    private void renewUntilClosed() {
        Duration wait = RENEWAL;
        while (!closed) {
            try {
                Thread.sleep(wait);
                if (renew()) {
                    return;
                }
                wait = RENEWAL;
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) {
                // Whatever it is: without this thread nothing would ever be written again.
                if (wait.equals(RENEWAL)) {
                    LOG.warn("The lease on the database could not be renewed; trying until it is: {}", e.toString());
                }
                // Nothing is written until it is renewed.
                wait = PAUSE;
            }
        }
    }

    /** Whether another server holds the database now, so that there is nothing to renew. */
    private boolean renew() {
        // A renewal whose outcome is not known is made again as it was, so that there are never more than two times to
        // know it by.
        Optional<Holder> other = attempted.equals(written) ? Optional.empty() : renewTo(attempted);
        if (other.isEmpty()) {
            other = renewTo(clock.instant().plus(LENGTH));
        }
        if (other.isEmpty()) {
            return false;
        }
        successor = other;
        LOG.error(
                "The database has been taken by a server on {} in directory {}; this one writes nothing more. Stop it",
                other.get().host(),
                other.get().directory());
        return true;
    }

    /** Empty if the lease is renewed; else who has taken it. */
    private Optional<Holder> renewTo(Instant until) {
        attempted = until;
        Optional<Holder> other = database.apart(handle -> rewrite(handle, until));
        if (other.isEmpty()) {
            written = until;
            heldUntil = until.minus(MARGIN);
        }
        return other;
    }

    private Optional<Holder> rewrite(Handle handle, Instant until) {
        int rows = handle.createUpdate("UPDATE server_instance SET lease_until = :until WHERE name = 'server'"
                        + " AND directory_id = :id AND directory = :directory AND host = :host"
                        + " AND lease_until IN (:written, :attempted)")
                .bind("until", until)
                .bind("id", self.directoryId())
                .bind("directory", self.directory())
                .bind("host", self.host())
                .bind("written", written)
                .bind("attempted", attempted)
                .execute();
        return rows == 1 ? Optional.empty() : Optional.of(holder(handle).orElse(self));
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        }
    }

    /** Gives the database back at once, so that the next server need not wait for the lease to end. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            renewer.interrupt();
            awaitRenewer();
            database.apart(handle -> rewrite(handle, Instant.EPOCH));
        }
    }

    /** A renewal that is under way would hold the database again after it was given back. */
    private void awaitRenewer() {
        try {
            renewer.join(RENEWAL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
