package dev.tidemill.inference.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a session so that every run ends: when nobody waits for it any more, or after the longest time that any run may take. One
 * thread of the process looks at what runs, ten times a second, while anything does. Thread-safe.
 */
final class OnnxRuns implements AutoCloseable {
    /** The longest that a run may take, whoever waits for it. */
    static final Duration LONGEST = Duration.ofMinutes(10);

    private static final Logger LOG = LoggerFactory.getLogger(OnnxRuns.class);
    private static final Duration LOOK = Duration.ofMillis(100);
    private static final int MOST_KEPT = 64;

    /** What most runs take outside of the allocator, with {@link #EACH} for each value that they are given. */
    private static final long FEW = 16L << 20;

    private static final long EACH = 512;

    private final OrtSession session;
    private final Queue<OrtSession.RunOptions> free = new ConcurrentLinkedQueue<>();
    private final AtomicInteger kept = new AtomicInteger();
    private final boolean budgeted;
    private final boolean fixed;

    /** @param guarded what bounds the session's runs */
    OnnxRuns(OrtSession session, GraphGuards.Guarded guarded) {
        this.session = session;
        this.budgeted = guarded.budgeted();
        this.fixed = guarded.fixed();
    }

    /** What a run gave, with what it has taken of {@link OutsideMemory}, until it is closed. */
    record Answer(OrtSession.Result result, Optional<OutsideMemory.Taken> taken) implements AutoCloseable {
        @Override
        public void close() {
            result.close();
            taken.ifPresent(OutsideMemory.Taken::close);
        }
    }

    /**
     * Runs the session. What it may take outside of the allocator is taken of the process's before: little at first, and if that is not
     * enough, it runs again with the most that a run may have.
     *
     * @param pinned where outputs are written; those that are not named are made
     * @param texts bytes of copies of the request's texts
     * @throws OrtException if the graph refuses the values
     * @throws TidemillException what {@link Cancellation#exception} gives if nobody waits any more, {@code TIMEOUT} after {@link #LONGEST},
     *     what {@link OnnxMemory#refusal} or {@link GraphGuards#refusal} gives if it takes too much memory, {@code UNAVAILABLE} if others
     *     have taken the memory
     */
    Answer run(
            Map<String, ? extends OnnxTensorLike> fed,
            Map<String, ? extends OnnxValue> pinned,
            Set<String> outputs,
            long texts,
            Cancellation cancellation)
            throws OrtException {
        cancellation.check();
        if (!budgeted && !fixed && texts == 0) {
            return new Answer(run(fed, pinned, outputs, cancellation), Optional.empty());
        }
        long most = budgeted || fixed ? OutsideMemory.mostOfRun() : 0;
        long first = fixed ? most : Math.min(most, FEW + EACH * values(fed));
        try {
            return run(fed, pinned, outputs, texts, first, cancellation);
        } catch (TidemillException e) {
            if (first == most || !GraphBounds.isRefusal(e)) {
                throw e;
            }
        }
        return run(fed, pinned, outputs, texts, most, cancellation);
    }

    private Answer run(
            Map<String, ? extends OnnxTensorLike> fed,
            Map<String, ? extends OnnxValue> pinned,
            Set<String> outputs,
            long texts,
            long budget,
            Cancellation cancellation)
            throws OrtException {
        OutsideMemory.Taken taken = OutsideMemory.SHARED.take(texts + budget, cancellation);
        try {
            if (!budgeted) {
                return new Answer(run(fed, pinned, outputs, cancellation), Optional.of(taken));
            }
            Map<String, OnnxTensorLike> all = new HashMap<>(fed);
            try (OnnxTensor told = OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), budget)) {
                all.put(GraphBounds.BUDGET, told);
                return new Answer(run(all, pinned, outputs, cancellation), Optional.of(taken));
            }
        } catch (OrtException | RuntimeException | Error e) {
            taken.close();
            throw e;
        }
    }

    private static long values(Map<String, ? extends OnnxTensorLike> fed) {
        return fed.values().stream()
                .mapToLong(one -> one.getInfo() instanceof TensorInfo tensor ? tensor.getNumElements() : 0)
                .sum();
    }

    private OrtSession.Result run(
            Map<String, ? extends OnnxTensorLike> fed,
            Map<String, ? extends OnnxValue> pinned,
            Set<String> outputs,
            Cancellation cancellation)
            throws OrtException {
        OrtSession.RunOptions options = options();
        var run = new Run(options, cancellation);
        Watch.begin(run);
        try {
            return session.run(fed, outputs, pinned, options);
        } catch (OrtException e) {
            if (run.isEnded()) {
                throw run.reason().causedBy(e);
            }
            Optional<TidemillException> refusal = OnnxMemory.refusal(e).or(() -> GraphGuards.refusal(e));
            if (refusal.isPresent()) {
                throw refusal.get();
            }
            throw e;
        } finally {
            if (Watch.end(run)) {
                options.close();
            } else {
                keep(options);
            }
        }
    }

    private OrtSession.RunOptions options() throws OrtException {
        OrtSession.RunOptions options = free.poll();
        if (options != null) {
            kept.decrementAndGet();
            return options;
        }
        options = new OrtSession.RunOptions();
        try {
            OnnxMemory.giveBack(options);
            return options;
        } catch (OrtException e) {
            options.close();
            throw e;
        }
    }

    private void keep(OrtSession.RunOptions options) {
        if (kept.incrementAndGet() <= MOST_KEPT) {
            free.add(options);
        } else {
            kept.decrementAndGet();
            options.close();
        }
    }

    @Override
    public void close() {
        for (OrtSession.RunOptions one = free.poll(); one != null; one = free.poll()) {
            one.close();
        }
    }

    /** A run that goes on. */
    private static final class Run {
        private final OrtSession.RunOptions options;
        private final Cancellation cancellation;
        private final long begun = System.nanoTime();
        private final ReentrantLock lock = new ReentrantLock();
        private boolean done;
        private boolean ended;

        private Run(OrtSession.RunOptions options, Cancellation cancellation) {
            this.options = options;
            this.cancellation = cancellation;
        }

        private void look() {
            long age = System.nanoTime() - begun;
            if (age < LOOK.toNanos() || age < LONGEST.toNanos() && !cancellation.isCancelled()) {
                return;
            }
            lock.lock();
            try {
                if (!done) {
                    ended = true;
                    options.setTerminate(true);
                }
            } catch (OrtException e) {
                LOG.warn("A run could not be ended", e);
            } finally {
                lock.unlock();
            }
        }

        /** From now on its options are not touched; true if it was ended from outside. */
        private boolean finish() {
            lock.lock();
            try {
                done = true;
                return ended;
            } finally {
                lock.unlock();
            }
        }

        private boolean isEnded() {
            lock.lock();
            try {
                return ended;
            } finally {
                lock.unlock();
            }
        }

        private TidemillException reason() {
            return cancellation.isCancelled()
                    ? cancellation.exception()
                    : new TidemillException(
                            ErrorCode.TIMEOUT,
                            "The model did not answer within " + LONGEST.toMinutes()
                                    + " minutes, the longest that a call may take");
        }
    }

    /** Looks at all runs of the process. */
    private static final class Watch {
        private static final Set<Run> RUNS = ConcurrentHashMap.newKeySet();

        static {
            // Of the system: what it ends may hold every carrier of virtual threads.
            Thread.ofPlatform().daemon().name("onnx-runs").start(Watch::lookForEver);
        }

        private Watch() {}

        static void begin(Run run) {
            RUNS.add(run);
        }

        /** True if the run was ended from outside. */
        static boolean end(Run run) {
            RUNS.remove(run);
            return run.finish();
        }

        private static void lookForEver() {
            while (true) {
                try {
                    Thread.sleep(LOOK);
                    for (Run run : RUNS) {
                        run.look();
                    }
                } catch (InterruptedException e) {
                    return;
                } catch (RuntimeException | Error e) {
                    LOG.warn("Runs could not be looked at", e);
                }
            }
        }
    }
}
