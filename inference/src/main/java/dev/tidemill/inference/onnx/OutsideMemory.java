package dev.tidemill.inference.onnx;

import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What runs may take beside the allocator of {@link OnnxMemory}, all together: a run takes the most that it may fill before it begins,
 * and waits for others that have it. Who came first is first, so that many small runs do not keep a large one waiting. Thread-safe.
 */
final class OutsideMemory {
    /** Of the whole process: as much again as the allocator gives. */
    static final OutsideMemory SHARED = new OutsideMemory(OnnxMemory.limit(), Duration.ofSeconds(10));

    private static final long LOOK_MILLIS = 100;

    /** The part of all that one run may take for each of its kinds: texts, words, and what operators fill. */
    private static final int PART = 4;

    private final long most;
    private final long patienceNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Taken> waiting = new ArrayDeque<>();
    private long free;

    /** @param patience how long a run waits */
    OutsideMemory(long most, Duration patience) {
        this.most = most;
        this.free = most;
        this.patienceNanos = patience.toNanos();
    }

    /** Bytes that one run may take for each of its kinds. */
    static long mostOfRun() {
        return OnnxMemory.limit() / PART;
    }

    /** What one run has taken, until it is closed. Closing it twice does nothing more. */
    final class Taken implements AutoCloseable {
        private long bytes;

        private Taken(long bytes) {
            this.bytes = bytes;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                free += bytes;
                bytes = 0;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Bytes that nobody has. */
    long free() {
        lock.lock();
        try {
            return free;
        } finally {
            lock.unlock();
        }
    }

    /** Runs that wait. */
    int waiting() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes memory, or waits until others give it back.
     *
     * @throws TidemillException {@code UNAVAILABLE} if it is not there in time, and what {@link Cancellation#exception} gives if nobody waits any
     *     more
     */
    Taken take(long bytes, Cancellation cancellation) {
        var taken = new Taken(Math.min(bytes, most));
        long started = System.nanoTime();
        lock.lock();
        try {
            waiting.addLast(taken);
            try {
                while (waiting.getFirst() != taken || free < taken.bytes) {
                    if (System.nanoTime() - started > patienceNanos) {
                        throw spent(taken.bytes);
                    }
                    changed.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                    cancellation.check();
                }
                free -= taken.bytes;
                return taken;
            } finally {
                waiting.remove(taken);
                changed.signalAll();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw spent(taken.bytes);
        } finally {
            lock.unlock();
        }
    }

    private TidemillException spent(long bytes) {
        return new TidemillException(
                        ErrorCode.UNAVAILABLE,
                        "The model may take " + bytes + " bytes beside its tensors, for texts and lists; of the " + most
                                + " that all ONNX models may take so, there are " + free + " left")
                .remedy("Try again later, or with fewer rows at a time");
    }
}
