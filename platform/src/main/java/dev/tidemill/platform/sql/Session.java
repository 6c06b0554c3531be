package dev.tidemill.platform.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One unit of work on the thread that runs it. Not thread-safe: it never leaves its thread. */
final class Session {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);
    private static final ThreadLocal<Session> CURRENT = new ThreadLocal<>();

    private final Handle handle;
    private final boolean writable;
    private final List<Runnable> afterCommit = new ArrayList<>();

    Session(Handle handle, boolean writable) {
        this.handle = handle;
        this.writable = writable;
    }

    static Optional<Session> current() {
        return Optional.ofNullable(CURRENT.get());
    }

    /** Runs the work with this session as the thread's current one. */
    <T> T run(Supplier<T> work) {
        CURRENT.set(this);
        try {
            return work.get();
        } finally {
            CURRENT.remove();
        }
    }

    Handle handle() {
        return handle;
    }

    Session requireWritable() {
        if (!writable) {
            throw new IllegalStateException("a unit of work that only reads cannot write");
        }
        return this;
    }

    /** What only reads sees only what is durable, so that there is nothing to wait for. */
    void afterCommit(Runnable action) {
        if (writable) {
            afterCommit.add(action);
        } else {
            action.run();
        }
    }

    /** An action that fails changes nothing of what is committed, and keeps no other from its turn. */
    static void runQuietly(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            LOG.warn("An action after commit failed", e);
        }
    }

    List<Runnable> actionsAfterCommit() {
        return afterCommit;
    }
}
