package dev.tidemill.platform.retention;

import java.util.function.IntUnaryOperator;

/** Deletes very many rows in many short units of work: what one takes, its neighbours wait. */
public final class ShortUnits {
    private static final int BATCH = 500;

    private ShortUnits() {}

    /**
     * Goes on until nothing is left or the thread is interrupted.
     *
     * @param delete deletes at most so many, in one unit of work, and tells how many
     * @return how many went
     */
    public static long delete(IntUnaryOperator delete) {
        long deleted = 0;
        int batch;
        do {
            batch = delete.applyAsInt(BATCH);
            deleted += batch;
        } while (batch > 0 && !Thread.currentThread().isInterrupted());
        return deleted;
    }
}
