package dev.tidemill.platform.sql;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.RequestMemory;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConnection;
import org.sqlite.SQLiteDataSource;

/**
 * SQLite with one writer and group commit.
 *
 * <p>Units of work that arrive while a commit is being synced to disk wait together and share the next one: each runs
 * inside its own savepoint, so that one which fails takes nothing of its neighbours with it. {@code synchronous=FULL}
 * makes a returned write survive a power cut.
 */
final class SqliteDatabase extends SessionDatabase {
    private static final Logger LOG = LoggerFactory.getLogger(SqliteDatabase.class);
    private static final int QUEUE = 4096;
    private static final int GROUP = 256;
    private static final int READERS = 4;
    /** Of each connection. Searches of large tables are read mostly from here; it fills only as they come. */
    private static final int CACHE_KIBIBYTES = 16 * 1024;

    private static final long MAPPED_BYTES = 4L << 30;

    private final SqlFailures failures = new SqlFailures(dialect());
    private final BlockingQueue<Unit<?>> queue = new ArrayBlockingQueue<>(QUEUE);
    private final SQLiteDataSource writerSource;
    private final HikariDataSource readerSource;
    private final Jdbi writerJdbi;
    private final Jdbi readerJdbi;
    private final Thread writer;
    private final SqliteDeadlines deadlines = new SqliteDeadlines();
    private volatile boolean closed;
    private volatile Runnable guard = () -> {};

    /** Nobody takes units from the queue any more. */
    private volatile boolean ended;

    SqliteDatabase(Path file) {
        super(new SqliteDialect(), READERS);
        writerSource = source(file);
        writerJdbi = JdbiSetup.create(writerSource);
        // WAL is a property of the file: it must exist before the first reader opens it.
        writerJdbi.useHandle(handle -> handle.execute("PRAGMA journal_mode = WAL"));
        var readers = new HikariConfig();
        readers.setDataSource(source(file));
        // Pages that all readers share, without a copy for each of them.
        readers.setConnectionInitSql("PRAGMA mmap_size = " + MAPPED_BYTES);
        readers.setMaximumPoolSize(READERS);
        readers.setMinimumIdle(1);
        readers.setPoolName("sqlite-readers");
        readers.setInitializationFailTimeout(-1);
        readerSource = new HikariDataSource(readers);
        readerJdbi = JdbiSetup.create(readerSource);
        writer = Thread.ofPlatform().name("sqlite-writer").start(this::writeUntilClosed);
    }

    private static SQLiteDataSource source(Path file) {
        var config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.setBusyTimeout(10_000);
        config.enforceForeignKeys(true);
        config.setTempStore(SQLiteConfig.TempStore.MEMORY);
        config.setCacheSize(-CACHE_KIBIBYTES);
        var source = new SQLiteDataSource(config) {
            @Override
            public SQLiteConnection getConnection(@Nullable String user, @Nullable String password)
                    throws SQLException {
                return SqliteRegexp.install(super.getConnection(user, password));
            }
        };
        source.setUrl("jdbc:sqlite:" + file.toAbsolutePath());
        return source;
    }

    @Override
    public <T> T write(Supplier<T> work) {
        var joined = Session.current();
        if (joined.isPresent()) {
            joined.get().requireWritable();
            return work.get();
        }
        var unit = new Unit<>(work);
        submit(unit);
        T value;
        try {
            value = unit.result.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw failures.translate(cause);
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e;
        }
        // On the caller's thread: the writer is everybody's, and an action may load a model.
        unit.afterCommit.forEach(Session::runQuietly);
        return value;
    }

    private void submit(Unit<?> unit) {
        try {
            if (closed) {
                throw closedFailure();
            }
            if (!queue.offer(unit, 10, TimeUnit.SECONDS)) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "Too many writes are waiting");
            }
            // It may have come after the writer's last look.
            if (ended) {
                failWaiting();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while waiting to write").causedBy(e);
        }
    }

    private static TidemillException closedFailure() {
        return new TidemillException(ErrorCode.UNAVAILABLE, "The database is closed");
    }

    private void failWaiting() {
        for (Unit<?> unit = queue.poll(); unit != null; unit = queue.poll()) {
            unit.fail(closedFailure());
        }
    }

    @Override
    public <T> T read(Supplier<T> work) {
        if (Session.current().isPresent()) {
            return work.get();
        }
        try {
            return readerJdbi.inTransaction(handle -> new Session(handle, false).run(work));
        } catch (RuntimeException e) {
            throw failures.translate(e);
        }
    }

    @Override
    <T> T within(Handle handle, Duration time, Function<Handle, T> work) {
        try (var _ = deadlines.of(handle, time)) {
            return work.apply(handle);
        }
    }

    @Override
    public void guardWrites(Runnable check) {
        guard = check;
    }

    @Override
    public void requireWritable() {
        guard.run();
    }

    @Override
    public void migrate(List<String> domains) {
        Migrations.run(writerSource, dialect(), domains);
    }

    @Override
    public void migrateTo(Map<String, String> versions) {
        Migrations.run(writerSource, dialect(), versions);
    }

    private void writeUntilClosed() {
        try {
            writeUnits();
        } finally {
            ended = true;
            failWaiting();
        }
    }

    private void writeUnits() {
        while (!closed || !queue.isEmpty()) {
            try (Handle handle = writerJdbi.open()) {
                while (!closed || !queue.isEmpty()) {
                    Unit<?> first = queue.poll(200, TimeUnit.MILLISECONDS);
                    if (first != null) {
                        commitGroup(handle, first);
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            } catch (RuntimeException | Error e) {
                // This is the only thread that writes.
                LOG.error("The writer's connection failed; it is opened again", e);
            }
        }
    }

    private void commitGroup(Handle handle, Unit<?> first) {
        var group = new ArrayList<Unit<?>>();
        group.add(first);
        queue.drainTo(group, GROUP - 1);
        try {
            // IMMEDIATE takes the write lock now, where waiting for it is harmless.
            handle.execute("BEGIN IMMEDIATE");
            guard.run();
            group.forEach(unit -> unit.run(handle));
            guard.run();
            handle.execute("COMMIT");
        } catch (RuntimeException | Error e) {
            rollBack(handle);
            group.forEach(unit -> unit.fail(e));
            return;
        }
        group.forEach(Unit::complete);
    }

    private static void rollBack(Handle handle) {
        try {
            handle.execute("ROLLBACK");
        } catch (RuntimeException e) {
            LOG.debug("Nothing to roll back: {}", e.getMessage());
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            writer.join(TimeUnit.SECONDS.toMillis(30));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        deadlines.close();
        readerSource.close();
    }

    /** One caller's work and where it waits for the outcome. */
    private static final class Unit<T> {
        private final Supplier<T> work;
        private final CompletableFuture<T> result = new CompletableFuture<>();
        private @Nullable T value;
        private @Nullable Throwable failure;
        private List<Runnable> afterCommit = List.of();

        Unit(Supplier<T> work) {
            this.work = RequestMemory.carried(work);
        }

        void run(Handle handle) {
            var session = new Session(handle, true);
            handle.execute("SAVEPOINT unit");
            try {
                value = session.run(work);
                afterCommit = session.actionsAfterCommit();
                handle.execute("RELEASE unit");
            } catch (RuntimeException | Error e) {
                failure = e;
                try {
                    handle.execute("ROLLBACK TO unit");
                    handle.execute("RELEASE unit");
                } catch (RuntimeException gone) {
                    // SQLite has rolled back everything by itself, as on a full disk: that is why the whole group
                    // fails.
                    e.addSuppressed(gone);
                    throw e;
                }
            }
        }

        void complete() {
            if (failure != null) {
                result.completeExceptionally(failure);
                return;
            }
            result.complete(value);
        }

        void fail(Throwable reason) {
            result.completeExceptionally(failure == null ? reason : failure);
        }
    }
}
