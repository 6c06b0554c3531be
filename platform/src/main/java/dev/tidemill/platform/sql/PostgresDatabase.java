package dev.tidemill.platform.sql;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.RequestMemory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.SqlStatements;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * PostgreSQL: each unit of work is a transaction of its own on one snapshot (repeatable read). What it has read of a row that it
 * then writes is thereby still so; where another unit was faster, the work runs again and sees what that one has written. A unit
 * that others have overtaken several times runs while they wait, so that each comes to its end. A key that is taken lets the work
 * run again as well, since another unit may have been faster; the same key a second time was there before, and is refused.
 */
final class PostgresDatabase extends SessionDatabase {
    /** For one statement that reads for a request. */
    private static final int READ_SECONDS = 60;

    private static final Logger LOG = LoggerFactory.getLogger(PostgresDatabase.class);
    private static final int APART_SECONDS = 3;
    private static final int ATTEMPTS_BESIDE_OTHERS = 5;
    private static final int ATTEMPTS = 20;
    private static final long LONGEST_PAUSE_MILLIS = 100;
    private static final long PATIENCE_TO_BE_ALONE_MILLIS = 500;
    private static final int CONNECTIONS = 16;

    private final SqlFailures failures = new SqlFailures(dialect());
    private final PGSimpleDataSource server;
    private final HikariDataSource source;
    private final Jdbi jdbi;
    /** For work that goes on however busy the pool is. */
    private final Jdbi apart;
    /** Units of work run side by side under the read lock, and alone in this process under the write lock. */
    private final ReadWriteLock turns = new ReentrantReadWriteLock();

    private volatile Runnable guard = () -> {};

    PostgresDatabase(DatabaseAddress.Postgres address, String connections) {
        super(new PostgresDialect(), CONNECTIONS);
        server = server(address, connections);
        var config = new HikariConfig();
        config.setDataSource(server);
        config.setTransactionIsolation("TRANSACTION_REPEATABLE_READ");
        config.setMaximumPoolSize(CONNECTIONS);
        config.setConnectionTimeout(10_000);
        config.setPoolName("postgresql");
        source = new HikariDataSource(config);
        jdbi = JdbiSetup.create(source);
        PGSimpleDataSource impatient = server(address, connections);
        impatient.setConnectTimeout(APART_SECONDS);
        impatient.setSocketTimeout(APART_SECONDS);
        apart = JdbiSetup.create(impatient);
    }

    private static PGSimpleDataSource server(DatabaseAddress.Postgres address, String connections) {
        var server = new PGSimpleDataSource();
        server.setServerNames(new String[] {address.host()});
        server.setPortNumbers(new int[] {address.port()});
        server.setDatabaseName(address.database());
        server.setUser(address.user());
        address.password().ifPresent(server::setPassword);
        address.schema().ifPresent(server::setCurrentSchema);
        server.setApplicationName(connections);
        server.setTcpKeepAlive(true);
        return server;
    }

    @Override
    public <T> T write(Supplier<T> work) {
        return write(work, false);
    }

    @Override
    public <T> T writeSerially(Supplier<T> work) {
        return write(work, true);
    }

    private <T> T write(Supplier<T> work, boolean serially) {
        var joined = Session.current();
        if (joined.isPresent()) {
            joined.get().requireWritable();
            return work.get();
        }
        Optional<String> taken = Optional.empty();
        for (int attempt = 1; ; attempt++) {
            boolean alone = attempt > ATTEMPTS_BESIDE_OTHERS;
            try {
                Written<T> written = inTurn(alone, () -> writeOnce(work, serially));
                written.afterCommit().forEach(Session::runQuietly);
                return written.value();
            } catch (Overtaken e) {
                RuntimeException reason = e.reason();
                // Where the key that is taken is the same again, the work has seen whose it is, and means to insert it.
                Optional<String> key = failures.violatedKey(reason);
                if (attempt == ATTEMPTS || (key.isPresent() && key.equals(taken))) {
                    throw failures.translate(reason);
                }
                taken = key;
                LOG.debug("Attempt {} was overtaken by another writer; running the work again", attempt, reason);
                pause(attempt);
            }
        }
    }

    private <T> T inTurn(boolean alone, Supplier<T> attempt) {
        Lock turn = alone && tryToBeAlone() ? turns.writeLock() : beside();
        try {
            return attempt.get();
        } finally {
            turn.unlock();
        }
    }

    private Lock beside() {
        Lock turn = turns.readLock();
        turn.lock();
        return turn;
    }

    /** Others wait meanwhile, so it is tried for a short while only: one of them may be slow. */
    private boolean tryToBeAlone() {
        try {
            return turns.writeLock().tryLock(PATIENCE_TO_BE_ALONE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while waiting to write").causedBy(e);
        }
    }

    /** At random, so that two that met do not meet again. */
    private static void pause(int attempt) {
        try {
            Thread.sleep(ThreadLocalRandom.current().nextLong(Math.min(1L << attempt, LONGEST_PAUSE_MILLIS) + 1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while waiting to write").causedBy(e);
        }
    }

    private record Written<T>(T value, List<Runnable> afterCommit) {}

    /** Says that an attempt has failed for what another writer did, and left nothing. */
    private static final class Overtaken extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final RuntimeException reason;

        Overtaken(RuntimeException reason) {
            super(reason);
            this.reason = reason;
        }

        RuntimeException reason() {
            return reason;
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
    public <T> T apart(Function<Handle, T> work) {
        try {
            return apart.inTransaction(work::apply);
        } catch (RuntimeException e) {
            throw failures.translate(e);
        }
    }

    private <T> Written<T> writeOnce(Supplier<T> work, boolean serially) {
        guard.run();
        try (Handle handle = jdbi.open()) {
            if (serially) {
                handle.setTransactionIsolationLevel(TransactionIsolationLevel.SERIALIZABLE);
            }
            handle.begin();
            var session = new Session(handle, true);
            T value;
            try {
                value = session.run(work);
                guard.run();
                handle.commit();
            } catch (RuntimeException | Error e) {
                handle.rollback();
                throw e;
            }
            return new Written<>(value, session.actionsAfterCommit());
        } catch (RuntimeException e) {
            if (failures.isRetryable(e) || failures.isUniqueViolation(e)) {
                throw new Overtaken(e);
            }
            throw failures.translate(e);
        }
    }

    @Override
    public <T> T read(Supplier<T> work) {
        if (Session.current().isPresent()) {
            return work.get();
        }
        try {
            return jdbi.inTransaction(TransactionIsolationLevel.REPEATABLE_READ, handle -> {
                handle.setReadOnly(true);
                if (RequestMemory.current().isPresent()) {
                    // Who asks has gone by then, and the connections are everybody's.
                    handle.getConfig(SqlStatements.class).setQueryTimeout(READ_SECONDS);
                }
                return new Session(handle, false).run(work);
            });
        } catch (RuntimeException e) {
            throw failures.translate(e);
        }
    }

    @Override
    <T> T within(Handle handle, Duration time, Function<Handle, T> work) {
        // Of each statement; the handle ends with the read.
        handle.getConfig(SqlStatements.class).setQueryTimeout(Math.toIntExact(time.toSeconds()));
        return work.apply(handle);
    }

    @Override
    public void migrate(List<String> domains) {
        Migrations.run(server, dialect(), domains);
    }

    @Override
    public void migrateTo(Map<String, String> versions) {
        Migrations.run(server, dialect(), versions);
    }

    @Override
    public void close() {
        source.close();
    }
}
