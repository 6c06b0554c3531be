package dev.tidemill.platform.retention;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Keeps files from being deleted while backups copy them. Whoever deletes files that rows name does it through
 * {@link #unlessHeld}, a few at a time, and goes on later with what is left. Nobody waits for a backup; a backup waits for the
 * few that are being deleted when it begins. Thread-safe.
 */
public final class DeletionHold {
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    /** Guarded by the lock. */
    private int holders;

    /** What keeps files until it is closed; closing it again does nothing. */
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /** From its return on nothing is deleted until what it gives is closed. */
    public Held hold() {
        change(1);
        var open = new AtomicBoolean(true);
        return () -> {
            if (open.compareAndSet(true, false)) {
                change(-1);
            }
        };
    }

    private void change(int by) {
        lock.writeLock().lock();
        try {
            holders += by;
        } finally {
            lock.writeLock().unlock();
        }
    }

    /**
     * Deletes, unless somebody holds the files.
     *
     * @param deletion short: who wants to hold waits for its end
     * @return whether it ran
     */
    public boolean unlessHeld(Runnable deletion) {
        lock.readLock().lock();
        try {
            if (holders > 0) {
                return false;
            }
            deletion.run();
            return true;
        } finally {
            lock.readLock().unlock();
        }
    }
}
