package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Carries predictions from the serving path to the sink in batches. Those of a deployment whose journal is durable are in the
 * {@link PredictionLog} before they are answered, and reach the sink even if the process ends suddenly or the sink is away for
 * long. Those of others are dropped and counted when the sink cannot keep up, rather than answers slowed. Thread-safe.
 */
public final class PredictionJournal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PredictionJournal.class);
    private static final int QUEUE = 20_000;
    private static final int BATCH = 1_000;
    /** So often is a batch given that fails unexpectedly, before those are looked for that are to blame. */
    private static final int TRIES = 3;
    /** So many predictions wait in memory to be given again, or a part that is larger. */
    private static final int MOST_WAITING = 10_000;

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
     */
    private record Part(List<Prediction> predictions, long segment, Entry entry, boolean fresh) {}

    private final PredictionLog log;
    private final Patience patience;
    private final Delivery delivery;
    private final LostPredictions lost = new LostPredictions();
    private final BlockingQueue<Part> queue = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicInteger queued = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition progress = lock.newCondition();
    private final OpenEntries open = new OpenEntries();
    /** What was left to be read again, by its segment. */
    private final Map<Long, List<Entry>> left = new LinkedHashMap<>();

    private final Thread thread;
    /** Attempts at segments that the sink did not take at the last one; used by the writing thread alone, as are the next. */
    private final Map<Long, Integer> attempts = new HashMap<>();

    private final Set<Long> postponed = new HashSet<>();
    /** What is in no log, and is given again after the others. */
    private final ArrayDeque<Part> waiting = new ArrayDeque<>();

    private int waitingPredictions;
    private final Rounds waitingRounds;
    private final Rounds segmentRounds;
    private long readAgain = System.nanoTime();
    private volatile boolean closed;

    public PredictionJournal(PredictionSink sink) {
        this(sink, PredictionLog.NONE);
    }

    /** @param log of predictions that must not be lost; closed with this */
    public PredictionJournal(PredictionSink sink, PredictionLog log) {
        this(sink, log, Patience.DEFAULT);
    }

    PredictionJournal(PredictionSink sink, PredictionLog log, Patience patience) {
        this.log = log;
        this.patience = patience;
        this.waitingRounds = new Rounds(patience.pause());
        this.segmentRounds = new Rounds(patience.pause());
        this.delivery = new Delivery(sink, patience.lone(), new Delivery.Aside() {
            @Override
            public boolean holds(Prediction prediction) {
                return lost.contains(prediction.key());
            }

            @Override
            public void put(Prediction prediction, String reason) {
                setAside(prediction, reason);
            }
        });
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
                this.number = open.begin(deployments(first));
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
                    amend(segments[i], part);
                }
                enqueue(new Part(part, segments[i], this, true));
            }
        }
    }

    private static Set<String> deployments(List<Prediction> predictions) {
        return predictions.stream()
                .map(one -> Gateway.key(one.project(), one.deployment()))
                .collect(Collectors.toUnmodifiableSet());
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
            } catch (RuntimeException | Error e) {
                // Nobody gets the answer; what is kept of it already stays without harm.
                for (int kept = 0; kept < i; kept++) {
                    log.settle(entry.segments[kept]);
                }
                lock.lock();
                try {
                    open.end(entry.number);
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
            lost.add(part.predictions(), "more came than the database took");
            settled(part);
            return;
        }
        leave(part);
    }

    private void leave(Part part) {
        lock.lock();
        try {
            left.computeIfAbsent(part.segment(), unused -> new ArrayList<>()).add(part.entry());
        } finally {
            lock.unlock();
        }
        log.leave(part.segment());
    }

    private void setAside(Prediction prediction, String reason) {
        if (!lost.contains(prediction.key())) {
            // One line for very many of a kind; the file beside the log names them all.
            boolean same = lost.reason(prediction.project(), prediction.deployment())
                    .filter(reason::equals)
                    .isPresent();
            LOG.atLevel(same ? Level.DEBUG : Level.ERROR)
                    .log(
                            "Prediction {} of deployment {} of project {} cannot be journalled and is set aside: {}",
                            prediction.id(),
                            prediction.deployment(),
                            prediction.project(),
                            reason);
            log.setAside(prediction, reason);
            lost.add(List.of(prediction), reason);
        }
    }

    /** Predictions that were answered but not journalled, since this process began. */
    public long dropped() {
        return lost.count();
    }

    /** The same, of one deployment. */
    public long dropped(String project, String deployment) {
        return lost.count(project, deployment);
    }

    /** Why the newest of a deployment was dropped; empty where none was. */
    public Optional<String> dropReason(String project, String deployment) {
        return lost.reason(project, deployment);
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
        String key = Gateway.key(project, deployment);
        long remaining = FLUSH.toNanos();
        lock.lock();
        try {
            long target = open.newest();
            while (open.isOpen(key, target) && remaining > 0) {
                remaining = progress.awaitNanos(remaining);
            }
            if (open.isOpen(key, target)) {
                throw new TidemillException(
                        ErrorCode.UNAVAILABLE,
                        "The journal of predictions of deployment '" + deployment + "' cannot be written now");
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
        int failures = 0;
        while (!closed || !queue.isEmpty() || !batch.isEmpty()) {
            try {
                if (batch.isEmpty() && !closed) {
                    readLeft();
                    if (!waiting.isEmpty() && waitingRounds.begin(delivery.news())) {
                        giveWaiting();
                    }
                }
                if (batch.isEmpty()) {
                    gather(batch);
                }
                if (!batch.isEmpty()) {
                    write(batch, closed || failures >= TRIES);
                    failures = 0;
                }
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) {
                // This is the only thread that carries: whatever it meets, it goes on.
                boolean unexpected = Delivery.isUnexpected(e);
                if (closed && (!unexpected || failures >= TRIES)) {
                    return;
                }
                LOG.warn("Predictions could not be journalled; trying again: {}", e.toString());
                failures = unexpected ? failures + 1 : 0;
                if (failures > TRIES) {
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
                leave(part);
            } else if (waiting.isEmpty() || waitingPredictions + size <= MOST_WAITING) {
                waiting.add(part);
                waitingPredictions += size;
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
            next = size < BATCH ? queue.poll() : null;
        }
    }

    /**
     * Reads what had no place in memory, once there is time for it. A segment that the sink does not take is tried again after
     * the others, and after a pause, in which what is in memory goes on.
     */
    private void readLeft() {
        if (System.nanoTime() - readAgain < 0) {
            return;
        }
        List<Long> readable = log.readable();
        if (!postponed.isEmpty() && postponed.containsAll(readable)) {
            if (!segmentRounds.begin(delivery.news())) {
                return;
            }
            postponed.clear();
        }
        for (long segment : readable) {
            if (!queue.isEmpty() && queued.get() > QUEUE / 2) {
                return;
            }
            if (postponed.contains(segment)) {
                continue;
            }
            try {
                if (attempts.getOrDefault(segment, 0) < TRIES) {
                    log.read(segment, batch -> delivery.give(batch, false));
                } else {
                    readApart(segment);
                }
            } catch (RuntimeException | Error e) {
                LOG.warn("Segment {} could not be journalled; trying again: {}", segment, e.toString());
                postpone(segment, e);
                return;
            }
            log.forget(segment);
            attempts.remove(segment);
            lock.lock();
            try {
                left.getOrDefault(segment, List.of()).forEach(this::partIsWithSink);
                left.remove(segment);
            } finally {
                lock.unlock();
            }
        }
    }

    /** Gives all of a segment, also what follows a batch that is not taken. */
    private void readApart(long segment) {
        var failed = new AtomicReference<RuntimeException>();
        log.read(segment, batch -> {
            try {
                delivery.giveApart(batch, false);
            } catch (RuntimeException e) {
                if (!Delivery.isUnexpected(e)) {
                    throw e;
                }
                failed.set(e);
            }
        });
        if (failed.get() != null) {
            throw failed.get();
        }
    }

    private void postpone(long segment, Throwable failure) {
        if (Delivery.isUnexpected(failure)) {
            attempts.merge(segment, 1, Integer::sum);
        }
        postponed.add(segment);
        segmentRounds.fail(failure);
        readAgain = System.nanoTime() + patience.pause().toNanos();
        learnDeployments(segment);
    }

    /** Finds out who has to wait for a segment of a process before; until then everybody does. */
    private void learnDeployments(long segment) {
        lock.lock();
        try {
            if (left.getOrDefault(segment, List.of()).stream().noneMatch(entry -> open.isUnknown(entry.number))) {
                return;
            }
        } finally {
            lock.unlock();
        }
        var found = new HashSet<String>();
        try {
            log.read(segment, batch -> found.addAll(deployments(batch)));
        } catch (RuntimeException e) {
            LOG.debug("Segment {} does not tell its deployments yet: {}", segment, e.toString());
            return;
        }
        lock.lock();
        try {
            left.getOrDefault(segment, List.of()).forEach(entry -> open.learn(entry.number, found));
            progress.signalAll();
        } finally {
            lock.unlock();
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
            open.end(entry.number);
            progress.signalAll();
        }
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
