package dev.tidemill.platform.retention;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Keeps files from being deleted while backups copy them. Whoever deletes files that rows name does it through
 * {@link #unlessHeld}, a few at a time, and goes on later with what is left. Nobody waits for a backup; a backup waits for the
 * few that are being deleted when it begins. Thread-safe.
 */
public final class DeletionHold {
    /** Who deletes has the read lock; whoever begins to hold waits for them with the write lock. */
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();

    private final AtomicInteger holders = new AtomicInteger();

    /** What keeps files until it is closed; closing it again does nothing. */
    public interface Held extends AutoCloseable {
        @Override
        void close();
    }

    /** From its return on nothing is deleted until what it gives is closed. */
    public Held hold() {
        holders.incrementAndGet();
        lock.writeLock().lock();
        lock.writeLock().unlock();
        var open = new AtomicBoolean(true);
        return () -> {
            if (open.compareAndSet(true, false)) {
                holders.decrementAndGet();
            }
        };
    }

    /** Whether somebody holds the files, or waits for it: a deletion that takes longer ends early then. */
    public boolean isWanted() {
        return holders.get() > 0;
    }

    /**
     * Deletes, unless somebody holds the files or waits for it.
     *
     * @param deletion short: who wants to hold waits for its end; or one that asks {@link #isWanted} at each step
     * @return whether it ran
     */
    public boolean unlessHeld(Runnable deletion) {
        if (isWanted()) {
            return false;
        }
        lock.readLock().lock();
        try {
            if (isWanted()) {
                return false;
            }
            deletion.run();
            return true;
        } finally {
            lock.readLock().unlock();
        }
    }
}
