package dev.tidemill.platform.sql;

import java.util.function.Supplier;

/**
 * Transactions that span domains: whatever stores do inside one unit of work becomes visible together or not at all.
 *
 * <p>A unit of work that starts another one joins it. Work must not talk to anything but the database, because it may be
 * repeated after a serialization failure and because others wait for it. Implementations are thread-safe.
 */
public interface Transactions {
    /**
     * Runs work that may write. When the call returns the result is durable.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code UNAVAILABLE} or {@code STORAGE_FULL} when the database
     *     cannot take the write; nothing of the work remains then
     */
    <T> T write(Supplier<T> work);

    /** Runs work that only reads, all of it in one consistent snapshot. */
    <T> T read(Supplier<T> work);

    /** Runs the action once the current unit of work is durable; at once where there is none. Never runs after roll-back. */
    void afterCommit(Runnable action);

    default void write(Runnable work) {
        write(() -> {
            work.run();
            return true;
        });
    }
}
