package dev.tidemill.pipelines;

import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.store.ForwardingDatabase;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/** A database whose writes fail for as long as a test wants. */
final class FailingDatabase extends ForwardingDatabase {
    private volatile Supplier<RuntimeException> failure = IllegalStateException::new;
    private volatile String threads = "-";
    final AtomicInteger failures = new AtomicInteger();

    FailingDatabase(Database database) {
        super(database);
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
        return super.write(work);
    }

    @Override
    public <T> T writing(Function<Handle, T> work) {
        check();
        return super.writing(work);
    }
}
