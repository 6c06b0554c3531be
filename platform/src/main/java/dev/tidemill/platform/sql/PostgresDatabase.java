package dev.tidemill.platform.sql;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.transaction.TransactionIsolationLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** PostgreSQL: each unit of work is a transaction of its own; work that met a serialization failure runs again. */
final class PostgresDatabase implements Database {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresDatabase.class);
    private static final int ATTEMPTS = 5;
    private static final int CONNECTIONS = 16;

    private final Dialect dialect = new PostgresDialect();
    private final SqlFailures failures = new SqlFailures(dialect);
    private final HikariDataSource source;
    private final Jdbi jdbi;

    PostgresDatabase(DatabaseAddress.Postgres address) {
        var config = new HikariConfig();
        config.setDataSourceClassName("org.postgresql.ds.PGSimpleDataSource");
        config.addDataSourceProperty("serverName", address.host());
        config.addDataSourceProperty("portNumber", address.port());
        config.addDataSourceProperty("databaseName", address.database());
        config.addDataSourceProperty("user", address.user());
        address.password().ifPresent(password -> config.addDataSourceProperty("password", password));
        address.schema().ifPresent(schema -> config.addDataSourceProperty("currentSchema", schema));
        config.addDataSourceProperty("ApplicationName", "tidemill");
        config.setMaximumPoolSize(CONNECTIONS);
        config.setConnectionTimeout(10_000);
        config.setPoolName("postgresql");
        source = new HikariDataSource(config);
        jdbi = JdbiSetup.create(source);
    }

    @Override
    public <T> T write(Supplier<T> work) {
        var joined = Session.current();
        if (joined.isPresent()) {
            joined.get().requireWritable();
            return work.get();
        }
        for (int attempt = 1; ; attempt++) {
            try {
                return writeOnce(work);
            } catch (RuntimeException e) {
                if (attempt == ATTEMPTS || !failures.isRetryable(e)) {
                    throw failures.translate(e);
                }
                LOG.debug("Serialization failure in attempt {}; running the work again", attempt);
            }
        }
    }

    private <T> T writeOnce(Supplier<T> work) {
        List<Runnable> afterCommit;
        T value;
        try (Handle handle = jdbi.open()) {
            handle.begin();
            var session = new Session(handle, true);
            try {
                value = session.run(work);
                handle.commit();
            } catch (RuntimeException | Error e) {
                handle.rollback();
                throw e;
            }
            afterCommit = session.actionsAfterCommit();
        }
        afterCommit.forEach(Runnable::run);
        return value;
    }

    @Override
    public <T> T read(Supplier<T> work) {
        if (Session.current().isPresent()) {
            return work.get();
        }
        try {
            return jdbi.inTransaction(TransactionIsolationLevel.REPEATABLE_READ, handle -> {
                handle.setReadOnly(true);
                return new Session(handle, false).run(work);
            });
        } catch (RuntimeException e) {
            throw failures.translate(e);
        }
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
    public void afterCommit(Runnable action) {
        Session.current().ifPresentOrElse(session -> session.afterCommit(action), action);
    }

    @Override
    public Dialect dialect() {
        return dialect;
    }

    @Override
    public void migrate(List<String> domains) {
        Migrations.run(source, dialect, domains);
    }

    @Override
    public void close() {
        source.close();
    }
}
