package dev.tidemill.testkit.store;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.sql.Dialect;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/** Does what another database does; a test overrides what it wants to watch or to fail. Thread-safe. */
public class ForwardingDatabase implements Database {
    private final Database database;

    public ForwardingDatabase(Database database) {
        this.database = database;
    }

    @Override
    public <T> T write(Supplier<T> work) {
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
        return database.writing(work);
    }

    @Override
    public <T> T reading(Function<Handle, T> work) {
        return database.reading(work);
    }

    @Override
    public <T> T readingLong(Function<Handle, T> work) {
        return database.readingLong(work);
    }

    @Override
    public <T> T searching(Function<Handle, T> work) {
        return database.searching(work);
    }

    @Override
    public <T> T apart(Function<Handle, T> work) {
        return database.apart(work);
    }

    @Override
    public void guardWrites(Runnable check) {
        database.guardWrites(check);
    }

    @Override
    public void requireWritable() {
        database.requireWritable();
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
