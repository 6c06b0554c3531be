package dev.tidemill.pipelines;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.Dialect;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/** A database whose writes fail for as long as a test wants. */
final class FailingDatabase implements Database {
    private final Database database;
    private volatile Supplier<RuntimeException> failure = IllegalStateException::new;
    private volatile String threads = "-";
    final AtomicInteger failures = new AtomicInteger();

    FailingDatabase(Database database) {
        this.database = database;
    }

    /** From now on writes of threads whose name begins so fail. */
    void fail(String threadNames, Supplier<RuntimeException> with) {
        failure = with;
        threads = threadNames;
    }

    void recover() {
        threads = "-";
    }

    private void check() {
        if (Thread.currentThread().getName().startsWith(threads)) {
            failures.incrementAndGet();
            throw failure.get();
        }
    }

    @Override
    public <T> T write(Supplier<T> work) {
        check();
        return database.write(work);
    }

    @Override
    public <T> T read(Supplier<T> work) {
        return database.read(work);
    }

    @Override
    public void afterCommit(Runnable action) {
        database.afterCommit(action);
    }

    @Override
    public <T> T writing(Function<Handle, T> work) {
        check();
        return database.writing(work);
    }

    @Override
    public <T> T reading(Function<Handle, T> work) {
        return database.reading(work);
    }

    @Override
    public Dialect dialect() {
        return database.dialect();
    }

    @Override
    public void migrate(List<String> domains) {
        database.migrate(domains);
    }

    @Override
    public void migrateTo(Map<String, String> versions) {
        database.migrateTo(versions);
    }

    @Override
    public void close() {
        database.close();
    }
}
