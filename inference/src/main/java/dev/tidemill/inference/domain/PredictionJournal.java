package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
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
    /** So many predictions wait in memory to be given again, or a part that is larger. */
    private static final int MOST_WAITING = 10_000;
    /** Share of the heap that those may take which are queued, and again those which wait. */
    private static final int SHARE = 16;

    private static final long LEAST_BYTES = 16L << 20;

    private static final Duration FLUSH = Duration.ofSeconds(30);

    /**
     * How patient it is.
     *
     * @param pause between two attempts
     * @param lone after which a few predictions on which a sink fails that has never taken any are set aside
     */
    record Patience(Duration pause, Duration lone) {
        static final Patience DEFAULT = new Patience(Duration.ofSeconds(1), Duration.ofMinutes(5));
    }

    /**
     * Predictions that are kept together, or none of them.
     *
     * @param fresh whether the sink cannot have taken any of them
     * @param bytes about how much memory they take
     */
    private record Part(List<Prediction> predictions, long segment, Entry entry, boolean fresh, long bytes) {
        private Part(List<Prediction> predictions, long segment, Entry entry, boolean fresh) {
            this(
                    predictions,
                    segment,
                    entry,
                    fresh,
                    predictions.stream().mapToLong(Prediction::weight).sum());
        }
    }

    private final PredictionLog log;
    private final Patience patience;
    private final Delivery delivery;
    private final LostPredictions lost = new LostPredictions();
    private final BlockingQueue<Part> queue = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicInteger queued = new AtomicInteger();
    private final AtomicLong queuedBytes = new AtomicLong();
    /** Of memory that may be queued, and that may wait. */
    private final long mostBytes;

    private final OpenEntries open = new OpenEntries();
    private final LeftSegments left;
    private final Thread thread;
    /** What is in no log, and is given again after the others; used by the writing thread alone, as are the next. */
    private final ArrayDeque<Part> waiting = new ArrayDeque<>();

    private int waitingPredictions;
    private long waitingBytes;
    private final Rounds waitingRounds;
    private volatile boolean closed;

    public PredictionJournal(PredictionSink sink) {
        this(sink, PredictionLog.NONE);
    }

    /** @param log of predictions that must not be lost; closed with this */
    public PredictionJournal(PredictionSink sink, PredictionLog log) {
        this(sink, log, Patience.DEFAULT);
    }

    PredictionJournal(PredictionSink sink, PredictionLog log, Patience patience) {
        this(sink, log, patience, Math.max(LEAST_BYTES, Runtime.getRuntime().maxMemory() / SHARE));
    }

    /** @param mostBytes of memory that may be queued, and that may wait to be given again */
    PredictionJournal(PredictionSink sink, PredictionLog log, Patience patience, long mostBytes) {
        this.mostBytes = mostBytes;
        this.log = log;
        this.patience = patience;
        this.waitingRounds = new Rounds(patience.pause());
        this.delivery = new Delivery(sink, patience.lone(), new PredictionsAside(log, lost));
        this.left = new LeftSegments(log, delivery, open, patience.pause());
        this.thread = Thread.ofVirtual().name("prediction-journal").start(this::writeUntilClosed);
    }

    /** Predictions of one answer on their way. */
    public final class Entry {
        private final List<Prediction> first;
        private final long[] segments;
        private final long number;

        private Entry(List<Prediction> first, int parts) {
            this.first = first;
            this.segments = new long[parts];
            Arrays.fill(segments, -1);
            this.number = parts == 0 ? -1 : open.begin(OpenEntries.deployments(first), parts);
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
                    amend(segments[i], part);
                }
                enqueue(new Part(part, segments[i], this, true));
            }
        }
    }

    private static List<Prediction> part(List<Prediction> all, int number) {
        return all.subList(number * BATCH, Math.min(all.size(), (number + 1) * BATCH));
    }

    private void amend(long segment, List<Prediction> part) {
        try {
            log.amend(segment, part);
        } catch (TidemillException e) {
            LOG.debug("Not amended: {}", e.message());
        }
    }

    /**
     * Takes the predictions of an answer that is about to be given.
     *
     * @param predictions of one deployment
     * @param durable whether they must survive before this returns
     * @return through which they go on to the sink
     * @throws TidemillException {@code UNAVAILABLE} or {@code STORAGE_FULL} if they must survive and cannot
     */
    public Entry begin(List<Prediction> predictions, boolean durable) {
        var entry = new Entry(predictions, (predictions.size() + BATCH - 1) / BATCH);
        for (int i = 0; durable && i < entry.segments.length; i++) {
            try {
                entry.segments[i] = log.append(part(predictions, i));
            } catch (RuntimeException | Error e) {
                // Nobody gets the answer; what is kept of it already stays without harm.
                for (int kept = 0; kept < i; kept++) {
                    log.settle(entry.segments[kept]);
                }
                open.end(entry.number);
                throw e;
            }
        }
        return entry;
    }

    private void enqueue(Part part) {
        int size = part.predictions().size();
        int rows = queued.addAndGet(size);
        long before = queuedBytes.getAndAdd(part.bytes());
        // One that is too large for itself alone finds its place when nothing else is there.
        boolean room = rows <= QUEUE && (before == 0 || before + part.bytes() <= mostBytes);
        if (room && queue.offer(part)) {
            return;
        }
        queued.addAndGet(-size);
        queuedBytes.addAndGet(-part.bytes());
        if (part.segment() < 0) {
            lost.add(part.predictions(), "more came than the database took");
            settled(part);
            return;
        }
        left.leave(part.segment(), part.entry().number);
    }

    /**
     * Counts rows of a request that are answered and not journalled, because one request must not take all memory.
     *
     * @param newest id of the last of them
     */
    void leftOut(String project, String deployment, long rows, String newest, String reason) {
        lost.add(project, deployment, rows, newest, reason);
    }

    /** About how many bytes of memory those take that are queued. */
    long queuedBytes() {
        return queuedBytes.get();
    }

    /** Predictions that were answered but not journalled, since this process began. */
    public long dropped() {
        return lost.count();
    }

    /** The same, of one deployment. */
    public long dropped(String project, String deployment) {
        return lost.count(project, deployment);
    }

    /** Which of a deployment was dropped last, and why; empty where none was. */
    public Optional<String> dropReason(String project, String deployment) {
        return lost.newest(project, deployment);
    }

    /** Whether a prediction is among the newest {@value LostPredictions#REMEMBERED} that were dropped. */
    public boolean isLost(String project, String deployment, String id) {
        return lost.contains(new Prediction.Key(project, deployment, id));
    }

    /** Segments of the log that are kept because they could not be read as a whole. */
    public long unreadable() {
        return log.unreadable();
    }

    /** Bytes of the log. */
    public long bytes() {
        return log.bytes();
    }

    /**
     * Waits until everything of a deployment that was begun before is with the sink, or set aside.
     *
     * @throws TidemillException {@code UNAVAILABLE} if the sink does not take it in time
     */
    public void flush(String project, String deployment) {
        try {
            if (!open.await(Gateway.key(project, deployment), FLUSH)) {
                throw new TidemillException(
                        ErrorCode.UNAVAILABLE,
                        "The journal of predictions of deployment '" + deployment + "' cannot be written now");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted while flushing").causedBy(e);
        }
    }

    private void writeUntilClosed() {
        List<Part> batch = new ArrayList<>();
        int failures = 0;
        while (!closed || !queue.isEmpty() || !batch.isEmpty()) {
            try {
                if (batch.isEmpty() && !closed) {
                    left.read(() -> !queue.isEmpty() && queued.get() > QUEUE / 2);
                    if (!waiting.isEmpty() && waitingRounds.begin(delivery.news())) {
                        giveWaiting();
                    }
                }
                if (batch.isEmpty()) {
                    gather(batch);
                }
                if (!batch.isEmpty()) {
                    write(batch, closed || failures >= Delivery.TRIES);
                    failures = 0;
                }
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) {
                // This is the only thread that carries: whatever it meets, it goes on.
                boolean unexpected = Delivery.isUnexpected(e);
                if (closed && (!unexpected || failures >= Delivery.TRIES)) {
                    return;
                }
                LOG.warn("Predictions could not be journalled; trying again: {}", e.toString());
                failures = unexpected ? failures + 1 : 0;
                if (failures > Delivery.TRIES) {
                    behindTheOthers(batch);
                    failures = 0;
                }
                pause();
            }
        }
        if (!waiting.isEmpty()) {
            giveWaiting();
        }
    }

    /** @param apart whether to look for those that are to blame where the sink fails */
    private void write(List<Part> batch, boolean apart) {
        List<Prediction> all =
                batch.stream().flatMap(part -> part.predictions().stream()).toList();
        boolean fresh = batch.stream().allMatch(Part::fresh);
        try {
            if (apart) {
                delivery.giveApart(all, fresh);
            } else {
                delivery.give(all, fresh);
            }
        } catch (Throwable e) {
            keepRest(batch, Delivery.isUnexpected(e));
            throw e;
        }
        batch.forEach(this::settled);
        batch.clear();
    }

    /** @param refused whether the sink has said itself that it took none of the rest, rather than left it open */
    private void keepRest(List<Part> batch, boolean refused) {
        List<Part> before = List.copyOf(batch);
        batch.clear();
        for (Part part : before) {
            List<Prediction> rest = delivery.rest(part.predictions());
            if (rest.isEmpty()) {
                settled(part);
            } else {
                batch.add(new Part(rest, part.segment(), part.entry(), part.fresh() && refused));
            }
        }
    }

    /** Lets the others go first where the sink may fail for these alone, or takes none. */
    private void behindTheOthers(List<Part> batch) {
        for (Part part : batch) {
            int size = part.predictions().size();
            if (part.segment() >= 0) {
                left.leave(part.segment(), part.entry().number);
            } else if (waiting.isEmpty()
                    || (waitingPredictions + size <= MOST_WAITING && waitingBytes + part.bytes() <= mostBytes)) {
                waiting.add(part);
                waitingPredictions += size;
                waitingBytes += part.bytes();
            } else {
                delivery.giveUp(part.predictions());
                lost.add(part.predictions(), "the database did not take it");
                settled(part);
            }
        }
        batch.clear();
    }

    /** Gives a part of what waits in memory. */
    private void giveWaiting() {
        List<Part> batch = new ArrayList<>();
        int size = 0;
        while (!waiting.isEmpty() && size < BATCH) {
            Part next = waiting.remove();
            batch.add(next);
            size += next.predictions().size();
            waitingBytes -= next.bytes();
        }
        waitingPredictions -= size;
        try {
            write(batch, true);
        } catch (RuntimeException | Error e) {
            LOG.warn("Predictions could not be journalled; trying again: {}", e.toString());
            waitingRounds.fail(e);
            behindTheOthers(batch);
        }
    }

    private void gather(List<Part> batch) throws InterruptedException {
        Part next = queue.poll(100, TimeUnit.MILLISECONDS);
        int size = 0;
        while (next != null) {
            batch.add(next);
            size += next.predictions().size();
            queued.addAndGet(-next.predictions().size());
            queuedBytes.addAndGet(-next.bytes());
            next = size < BATCH ? queue.poll() : null;
        }
    }

    private void settled(Part part) {
        if (part.segment() >= 0) {
            log.settle(part.segment());
        }
        open.endPart(part.entry().number);
    }

    private void pause() {
        try {
            Thread.sleep(patience.pause());
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
