package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries predictions from the serving path to the sink in batches. Bounded: when the sink cannot keep up, predictions are
 * dropped and counted rather than answers slowed. Thread-safe.
 */
public final class PredictionJournal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PredictionJournal.class);
    private static final int QUEUE = 20_000;
    private static final int BATCH = 1_000;
    private static final Duration FLUSH = Duration.ofSeconds(30);

    private final PredictionSink sink;
    private final BlockingQueue<Prediction> queue = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition progress = lock.newCondition();
    private final Thread thread;
    private long written;
    private volatile boolean closed;

    public PredictionJournal(PredictionSink sink) {
        this.sink = sink;
        this.thread = Thread.ofVirtual().name("prediction-journal").start(this::writeUntilClosed);
    }

    public void add(Prediction prediction) {
        if (queue.offer(prediction)) {
            accepted.incrementAndGet();
        } else {
            dropped.incrementAndGet();
        }
    }

    /** Predictions that were answered but not journalled. */
    public long dropped() {
        return dropped.get();
    }

    /**
     * Waits until everything that was added before is with the sink.
     *
     * @throws TidemillException {@code UNAVAILABLE} if the sink does not take it in time
     */
    public void flush() {
        long target = accepted.get();
        long left = FLUSH.toNanos();
        lock.lock();
        try {
            while (written < target && left > 0) {
                left = progress.awaitNanos(left);
            }
            if (written < target) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "The journal of predictions cannot be written now");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while flushing").causedBy(e);
        } finally {
            lock.unlock();
        }
    }

    private void writeUntilClosed() {
        List<Prediction> batch = new ArrayList<>();
        while (!closed || !queue.isEmpty() || !batch.isEmpty()) {
            try {
                if (batch.isEmpty()) {
                    Prediction first = queue.poll(100, TimeUnit.MILLISECONDS);
                    if (first == null) {
                        continue;
                    }
                    batch.add(first);
                    queue.drainTo(batch, BATCH - 1);
                }
                sink.append(batch);
                done(batch.size());
                batch.clear();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.warn("{} predictions could not be journalled; trying again: {}", batch.size(), e.toString());
                pause();
            }
        }
    }

    private void done(int count) {
        lock.lock();
        try {
            written += count;
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(Duration.ofSeconds(1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join(Duration.ofSeconds(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
