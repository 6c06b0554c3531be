package dev.tidemill.platform.sql;

import java.util.function.Supplier;

/**
 * Transactions that span domains: whatever stores do inside one unit of work becomes visible together or not at all.
 *
 * <p>A unit of work that starts another one joins it. Work must not talk to anything but the database, because it may be
 * repeated when another one was faster and because others wait for it. Implementations are thread-safe.
 */
public interface Transactions {
    /**
     * Runs work that may write. When the call returns the result is durable. What the work has read of a row that it writes is
     * still so when it commits: of two units that change the same row, or insert the same key, one sees what the other did.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code UNAVAILABLE} or {@code STORAGE_FULL} when the database
     *     cannot take the write; nothing of the work remains then
     */
    <T> T write(Supplier<T> work);

    /**
     * Runs work that may write, and whose decision rests on rows that it does not write, or on there being none: of such units
     * the outcome is as if one had run after the other. Costs more than {@link #write}; one that joins another is as that one.
     */
    default <T> T writeSerially(Supplier<T> work) {
        return write(work);
    }

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
