package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries predictions from the serving path to the sink in batches. Those of a deployment whose journal is durable are in the
 * {@link PredictionLog} before they are answered, and reach the sink even if the process ends suddenly or the sink is away for
 * long. Those of others are dropped and counted when the sink cannot keep up, rather than answers slowed. Thread-safe.
 */
public final class PredictionJournal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PredictionJournal.class);
    private static final int QUEUE = 20_000;
    private static final int BATCH = 1_000;
    private static final int REMEMBERED = 100_000;
    /** What a sink says of a prediction that it will never take. All else may pass, and the prediction is kept for then. */
    private static final Set<ErrorCode> REFUSED = EnumSet.of(
            ErrorCode.NOT_FOUND,
            ErrorCode.INVALID_ARGUMENT,
            ErrorCode.INVALID_DEFINITION,
            ErrorCode.INVALID_DATA,
            ErrorCode.TOO_LARGE);

    private static final Duration FLUSH = Duration.ofSeconds(30);

    private record Key(String project, String deployment, String id) {
        static Key of(Prediction prediction) {
            return new Key(prediction.project(), prediction.deployment(), prediction.id());
        }
    }

    /** Predictions that are kept together, or none of them. */
    private record Part(List<Prediction> predictions, long segment, Entry entry) {}

    private final PredictionSink sink;
    private final PredictionLog log;
    private final BlockingQueue<Part> queue = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicInteger queued = new AtomicInteger();
    private final ConcurrentMap<String, LongAdder> dropped = new ConcurrentHashMap<>();
    private final Map<Key, Boolean> lost = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Boolean> eldest) {
            return size() > REMEMBERED;
        }
    };
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition progress = lock.newCondition();
    /** Numbers of what has begun and is not with the sink. */
    private final TreeSet<Long> open = new TreeSet<>();
    /** What was left to be read again, by its segment. */
    private final Map<Long, List<Entry>> left = new LinkedHashMap<>();

    private final Thread thread;
    private long begun;
    private volatile boolean closed;

    public PredictionJournal(PredictionSink sink) {
        this(sink, PredictionLog.NONE);
    }

    /** @param log of predictions that must not be lost; closed with this */
    public PredictionJournal(PredictionSink sink, PredictionLog log) {
        this.sink = sink;
        this.log = log;
        // What a process before has left is with the sink before anything is said of what it held.
        log.readable().forEach(segment -> left.put(segment, new ArrayList<>(List.of(new Entry(List.of(), 1)))));
        this.thread = Thread.ofVirtual().name("prediction-journal").start(this::writeUntilClosed);
    }

    /** Predictions of one answer on their way. */
    public final class Entry {
        private final List<Prediction> first;
        private final long[] segments;
        private final long number;
        /** Parts that are not with the sink; used under the lock. */
        private int parts;

        private Entry(List<Prediction> first, int parts) {
            this.first = first;
            this.segments = new long[parts];
            this.parts = parts;
            Arrays.fill(segments, -1);
            lock.lock();
            try {
                this.number = ++begun;
                open.add(number);
            } finally {
                lock.unlock();
            }
        }

        /** Sends them to the sink as they were begun. */
        public void complete() {
            complete(first);
        }

        /** Sends them to the sink, with what has become known of them since. */
        public void complete(List<Prediction> whole) {
            for (int i = 0; i < segments.length; i++) {
                List<Prediction> part = part(whole, i);
                if (segments[i] >= 0 && whole != first) {
                    amend(part);
                }
                enqueue(new Part(part, segments[i], this));
            }
        }
    }

    private static List<Prediction> part(List<Prediction> all, int number) {
        return all.subList(number * BATCH, Math.min(all.size(), (number + 1) * BATCH));
    }

    private void amend(List<Prediction> part) {
        try {
            log.amend(part);
        } catch (TidemillException e) {
            LOG.debug("Not amended: {}", e.message());
        }
    }

    /**
     * Takes the predictions of an answer that is about to be given.
     *
     * @param predictions of one deployment, at least one
     * @param durable whether they must survive before this returns
     * @return through which they go on to the sink
     * @throws TidemillException {@code UNAVAILABLE} or {@code STORAGE_FULL} if they must survive and cannot
     */
    public Entry begin(List<Prediction> predictions, boolean durable) {
        var entry = new Entry(predictions, (predictions.size() + BATCH - 1) / BATCH);
        for (int i = 0; durable && i < entry.segments.length; i++) {
            try {
                entry.segments[i] = log.append(part(predictions, i));
            } catch (RuntimeException e) {
                // Nobody gets the answer; what is kept of it already stays without harm.
                for (int kept = 0; kept < i; kept++) {
                    log.settle(entry.segments[kept]);
                }
                lock.lock();
                try {
                    open.remove(entry.number);
                    progress.signalAll();
                } finally {
                    lock.unlock();
                }
                throw e;
            }
        }
        return entry;
    }

    private void enqueue(Part part) {
        int size = part.predictions().size();
        if (queued.addAndGet(size) <= QUEUE && queue.offer(part)) {
            return;
        }
        queued.addAndGet(-size);
        if (part.segment() < 0) {
            drop(part.predictions());
            settled(part);
            return;
        }
        lock.lock();
        try {
            left.computeIfAbsent(part.segment(), unused -> new ArrayList<>()).add(part.entry());
        } finally {
            lock.unlock();
        }
        log.leave(part.segment());
    }

    private void drop(List<Prediction> predictions) {
        synchronized (lost) {
            predictions.forEach(prediction -> lost.put(Key.of(prediction), true));
        }
        Prediction one = predictions.getFirst();
        dropped.computeIfAbsent(Gateway.key(one.project(), one.deployment()), unused -> new LongAdder())
                .add(predictions.size());
    }

    /** Predictions that were answered but not journalled, since this process began. */
    public long dropped() {
        return dropped.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** The same, of one deployment. */
    public long dropped(String project, String deployment) {
        LongAdder count = dropped.get(Gateway.key(project, deployment));
        return count == null ? 0 : count.sum();
    }

    /** Whether a prediction is among the newest {@value #REMEMBERED} that were dropped. */
    public boolean isLost(String project, String deployment, String id) {
        synchronized (lost) {
            return lost.containsKey(new Key(project, deployment, id));
        }
    }

    /** Bytes of the log. */
    public long bytes() {
        return log.bytes();
    }

    /**
     * Waits until everything that was begun before is with the sink.
     *
     * @throws TidemillException {@code UNAVAILABLE} if the sink does not take it in time
     */
    public void flush() {
        long remaining = FLUSH.toNanos();
        lock.lock();
        try {
            long target = begun;
            while (!open.isEmpty() && open.first() <= target && remaining > 0) {
                remaining = progress.awaitNanos(remaining);
            }
            if (!open.isEmpty() && open.first() <= target) {
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
        List<Part> batch = new ArrayList<>();
        while (!closed || !queue.isEmpty() || !batch.isEmpty()) {
            try {
                if (batch.isEmpty() && !closed) {
                    readLeft();
                }
                if (batch.isEmpty()) {
                    gather(batch);
                }
                if (!batch.isEmpty()) {
                    write(batch.stream()
                            .flatMap(part -> part.predictions().stream())
                            .toList());
                    batch.forEach(this::settled);
                    batch.clear();
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                if (closed) {
                    return;
                }
                LOG.warn("Predictions could not be journalled; trying again: {}", e.toString());
                pause();
            }
        }
    }

    private void gather(List<Part> batch) throws InterruptedException {
        Part next = queue.poll(100, TimeUnit.MILLISECONDS);
        int size = 0;
        while (next != null) {
            batch.add(next);
            size += next.predictions().size();
            queued.addAndGet(-next.predictions().size());
            next = size < BATCH ? queue.poll() : null;
        }
    }

    /** Reads what had no place in memory, once there is time for it. */
    private void readLeft() {
        for (long segment : log.readable()) {
            if (!queue.isEmpty() && queued.get() > QUEUE / 2) {
                return;
            }
            log.read(segment, this::write);
            log.forget(segment);
            lock.lock();
            try {
                left.getOrDefault(segment, List.of()).forEach(this::partIsWithSink);
                left.remove(segment);
            } finally {
                lock.unlock();
            }
        }
    }

    /** Gives a batch to the sink; where the sink refuses it, in halves, so that one does not hold the others up. */
    private void write(List<Prediction> batch) {
        try {
            sink.append(batch);
        } catch (TidemillException e) {
            if (!REFUSED.contains(e.code())) {
                throw e;
            }
            if (batch.size() > 1) {
                int half = batch.size() / 2;
                write(batch.subList(0, half));
                write(batch.subList(half, batch.size()));
                return;
            }
            LOG.warn("Prediction {} cannot be journalled: {}", Key.of(batch.getFirst()), e.message());
            drop(batch);
        }
    }

    private void settled(Part part) {
        if (part.segment() >= 0) {
            log.settle(part.segment());
        }
        lock.lock();
        try {
            partIsWithSink(part.entry());
        } finally {
            lock.unlock();
        }
    }

    /** Notes it, while holding the lock. */
    private void partIsWithSink(Entry entry) {
        if (--entry.parts == 0) {
            open.remove(entry.number);
            progress.signalAll();
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
        log.close();
    }
}
