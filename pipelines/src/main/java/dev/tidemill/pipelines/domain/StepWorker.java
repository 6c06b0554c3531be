package dev.tidemill.pipelines.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.sql.Transactions;
import dev.tidemill.platform.threads.Loop;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out steps: claims what is ready, runs it on a virtual thread, commits the result under the fence it was claimed
 * with. A lease, renewed for as long as the thread of the attempt lives, tells other workers that this one does.
 */
public final class StepWorker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StepWorker.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    private static final Duration SAFETY_NET = Duration.ofSeconds(1);
    private static final int INTERRUPTIONS = 5;
    private static final int LONGEST_ERROR = 10_000;
    private static final String UNSTORABLE = "It failed, and its error cannot be stored; the step's log tells it";

    private final String owner = Ids.next();
    private final PipelineStore store;
    private final Pipelines pipelines;
    private final Transactions transactions;
    private final Map<String, StepKind> kinds;
    private final StepLog log;
    private final Clock clock;
    private final Semaphore slots;
    private final Semaphore wake = new Semaphore(0);
    private final Map<String, Attempt> running = new ConcurrentHashMap<>();
    private final boolean alone;
    private final Leases leases;
    private final Loop dispatcher = new Loop("step-dispatcher", SAFETY_NET, this::dispatch);
    private final Loop renewer;
    private volatile boolean closed;

    /**
     * @param slots steps at a time
     * @param alone whether no other worker can share the database, so that steps found running are left-overs
     * @param leases how long it may be silent before others take its steps up
     */
    public StepWorker(
            PipelineStore store,
            Pipelines pipelines,
            Transactions transactions,
            Map<String, StepKind> kinds,
            StepLog log,
            Clock clock,
            int slots,
            boolean alone,
            Leases leases) {
        this.store = store;
        this.pipelines = pipelines;
        this.transactions = transactions;
        this.kinds = kinds;
        this.log = log;
        this.clock = clock;
        this.slots = new Semaphore(slots);
        this.alone = alone;
        this.leases = leases;
        this.renewer = new Loop("step-leases", Duration.ZERO, this::renew);
    }

    public void start() {
        pipelines.onReady(wake::release);
        pipelines.onCancel(this::interruptRun);
        if (alone) {
            int left = transactions.write(() -> store.reclaimAll(clock.instant()));
            if (left > 0) {
                LOG.info("{} steps that were running when the server ended are started again", left);
            }
        }
        for (PipelineRun run : store.unfinishedRuns()) {
            transactions.write(() -> pipelines.settle(run));
        }
        dispatcher.start();
        renewer.start();
    }

    /** What begins steps, and what renews the leases of those that run. */
    public List<Loop> loops() {
        return List.of(dispatcher, renewer);
    }

    private void dispatch() throws InterruptedException {
        slots.acquire();
        Optional<Claimed> claimed;
        try {
            claimed = claim();
            claimed.ifPresent(step ->
                    Thread.ofVirtual().name("step-" + step.step().name()).start(() -> carryOut(step)));
        } catch (RuntimeException | Error e) {
            slots.release();
            throw e;
        }
        if (claimed.isEmpty()) {
            slots.release();
            wake.tryAcquire(pause().toMillis(), TimeUnit.MILLISECONDS);
            wake.drainPermits();
        }
    }

    /** Claims a step and resolves its inputs in one transaction: each commit of a chain of steps counts. */
    private Optional<Claimed> claim() {
        return transactions.write(() -> store.claim(
                        owner, clock.instant(), clock.instant().plus(leases.length()))
                .map(step -> {
                    PipelineRun run = store.run(step.runId());
                    Pipeline pipeline = pipelines.definition(run);
                    Pipeline.Step definition = pipeline.step(step.step()).orElseThrow();
                    try {
                        Map<String, Object> inputs = inputs(run, definition, step);
                        store.recordInputs(run.id(), step.name(), step.fence(), inputs);
                        return new Claimed(step, run, pipeline, definition, inputs, Optional.empty());
                    } catch (TidemillException e) {
                        return new Claimed(step, run, pipeline, definition, Map.of(), Optional.of(e));
                    }
                }));
    }

    private Duration pause() {
        Duration untilReady = store.nextReadyAt()
                .map(at -> Duration.between(clock.instant(), at))
                .orElse(SAFETY_NET);
        return untilReady.compareTo(SAFETY_NET) > 0
                ? SAFETY_NET
                : untilReady.isNegative() ? Duration.ofMillis(1) : untilReady;
    }

    private void renew() throws InterruptedException {
        Thread.sleep(leases.renewal());
        List<StepRun> alive = running.values().stream().map(Attempt::step).toList();
        int expired = transactions.write(() -> {
            Instant now = clock.instant();
            store.renewLeases(owner, alive, now.plus(leases.length()));
            return store.reclaimExpired(now, now);
        });
        if (expired > 0) {
            wake.release();
        }
        interruptCancelled();
    }

    /** A run may have been cancelled through another replica. */
    private void interruptCancelled() {
        for (Attempt attempt : running.values()) {
            if (store.run(attempt.step().runId()).state() == RunState.CANCELLING) {
                attempt.thread().interrupt();
            }
        }
    }

    private void interruptRun(PipelineRunId id) {
        running.values().stream()
                .filter(attempt -> attempt.step().runId().equals(id))
                .forEach(attempt -> attempt.thread().interrupt());
    }

    private void carryOut(Claimed claimed) {
        StepRun step = claimed.step();
        String key = step.runId() + "/" + step.name();
        try {
            running.put(key, new Attempt(step, Thread.currentThread()));
            attempt(claimed);
        } catch (RuntimeException | Error e) {
            LOG.error("Step {} could not be brought to an end; its lease will run out and it is run again", key, e);
        } finally {
            running.remove(key);
            slots.release();
            wake.release();
        }
    }

    private void attempt(Claimed claimed) {
        PipelineRun run = claimed.run();
        Pipeline pipeline = claimed.pipeline();
        Pipeline.Step definition = claimed.definition();
        StepRun step = claimed.step();
        Map<String, Object> inputs = claimed.inputs();
        try {
            if (claimed.problem().isPresent()) {
                throw claimed.problem().get();
            }
            StepKind kind = Optional.ofNullable(kinds.get(definition.uses()))
                    .orElseThrow(() -> new TidemillException(
                            ErrorCode.NOT_SUPPORTED, "This server has no step kind '" + definition.uses() + "'"));
            boolean cacheable = kind.cacheable() && definition.cache();
            String cacheKey = cacheKey(kind, inputs);
            Optional<Map<String, Object>> reused = cacheable ? store.cached(run.project(), cacheKey) : Optional.empty();
            Map<String, Object> outputs = reused.isPresent()
                    ? reused.get()
                    : runWithDeadline(kind, new Context(run, step, inputs, definition.timeout()));
            succeed(
                    run,
                    pipeline,
                    step,
                    outputs,
                    reused.isPresent(),
                    cacheable ? Optional.of(cacheKey) : Optional.empty());
        } catch (InterruptedException e) {
            interrupted(run, pipeline, step);
        } catch (TidemillException e) {
            if (e.code() == ErrorCode.CANCELLED) {
                interrupted(run, pipeline, step);
            } else {
                fail(run, pipeline, definition, step, e, e.code() == ErrorCode.UNAVAILABLE);
            }
        } catch (RuntimeException | Error e) {
            LOG.error("Step {} of run {} failed unexpectedly", step.name(), run.id(), e);
            fail(run, pipeline, definition, step, e, false);
        }
    }

    private Map<String, Object> inputs(PipelineRun run, Pipeline.Step definition, StepRun step) {
        var given = new LinkedHashMap<>(definition.with());
        given.putAll(step.choice());
        var outputs = new HashMap<String, List<Map<String, Object>>>();
        Set<String> wanted = Expressions.steps(given);
        for (StepRun other : wanted.isEmpty() ? List.<StepRun>of() : store.steps(run.id())) {
            if (wanted.contains(other.step()) && other.state() == StepState.SUCCEEDED) {
                outputs.computeIfAbsent(other.step(), name -> new ArrayList<>()).add(other.outputs());
            }
        }
        var inputs = new LinkedHashMap<String, Object>();
        given.forEach((name, value) -> inputs.put(name, Expressions.resolve(value, run.parameters(), outputs)));
        return inputs;
    }

    private static String cacheKey(StepKind kind, Map<String, Object> inputs) {
        return Ids.sha256(kind.name() + "\n" + kind.version() + "\n" + canonical(inputs));
    }

    private static Object canonical(Object value) {
        return switch (value) {
            case Map<?, ?> map -> {
                var sorted = new TreeMap<String, Object>();
                map.forEach((key, element) -> sorted.put(String.valueOf(key), canonical(element)));
                yield sorted;
            }
            case List<?> list -> list.stream().map(StepWorker::canonical).toList();
            // 3 and 3.0 are told apart by no step kind, and JSON does not keep them apart either
            case Number number -> number.doubleValue();
            default -> value;
        };
    }

    private Map<String, Object> runWithDeadline(StepKind kind, Context context) throws InterruptedException {
        var task = new FutureTask<>(() -> kind.run(context));
        Thread thread = Thread.ofVirtual().name("step-work-" + context.step()).start(task);
        try {
            return task.get(context.timeout().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new TidemillException(
                            ErrorCode.TIMEOUT, "It did not end within " + context.timeout() + " and was stopped")
                    .causedBy(e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case InterruptedException interrupted -> throw interrupted;
                case RuntimeException failure -> throw failure;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException(e);
            }
        } finally {
            thread.interrupt();
            thread.join(Duration.ofSeconds(5));
        }
    }

    private void succeed(
            PipelineRun run,
            Pipeline pipeline,
            StepRun step,
            Map<String, Object> outputs,
            boolean cached,
            Optional<String> cacheKey)
            throws InterruptedException {
        commitEndInterruptibly(step, () -> {
            Instant now = clock.instant();
            if (!store.finish(
                    run.id(), step.name(), step.fence(), StepState.SUCCEEDED, outputs, cached, Optional.empty(), now)) {
                LOG.info("Step {} of run {} was taken over; this result is dropped", step.name(), run.id());
                return;
            }
            if (!cached) {
                cacheKey.ifPresent(key -> store.cache(run.project(), key, outputs, run.id() + "/" + step.name(), now));
            }
            store.release(run.id(), pipeline.dependents(step.step()), now);
            pipelines.append(
                    run, "pipeline.step.succeeded", Map.of("step", step.name(), "cached", cached, "outputs", outputs));
            pipelines.settle(run);
        });
    }

    private void fail(
            PipelineRun run,
            Pipeline pipeline,
            Pipeline.Step definition,
            StepRun step,
            Throwable failure,
            boolean interrupted) {
        String error = StorableText.shown(
                failure instanceof TidemillException coded ? coded.messageAndRemedy() : failure.toString());
        log.append(run.id(), step.name(), step.attempt(), "failed: " + error);
        boolean again = interrupted
                ? step.attempt() - step.failures() <= INTERRUPTIONS
                : step.failures() < definition.retries();
        try {
            commitEnd(step, failed(run, step, again, interrupted, StorableText.cut(error, LONGEST_ERROR)));
        } catch (TidemillException refused) {
            LOG.error("The error of step {} of run {} cannot be stored: {}", step.name(), run.id(), error, refused);
            commitEnd(step, failed(run, step, again, interrupted, UNSTORABLE));
        }
    }

    private Runnable failed(PipelineRun run, StepRun step, boolean again, boolean interrupted, String error) {
        return () -> {
            Instant now = clock.instant();
            if (again) {
                long pause = Math.min(60_000, 1000L << Math.min(step.attempt() - 1, 10));
                store.retry(run.id(), step.name(), step.fence(), !interrupted, error, now.plusMillis(pause));
                pipelines.append(run, "pipeline.step.retrying", Map.of("step", step.name(), "error", error));
                return;
            }
            if (store.finish(
                    run.id(), step.name(), step.fence(), StepState.FAILED, Map.of(), false, Optional.of(error), now)) {
                pipelines.append(run, "pipeline.step.failed", Map.of("step", step.name(), "error", error));
                pipelines.settle(run);
            }
        };
    }

    /**
     * Makes the end of a step durable. While the database is away or has no room this waits: what the step has done would be
     * lost otherwise, and the fence keeps the end out if another worker has taken the step up meanwhile.
     *
     * @throws RuntimeException if it fails for another reason for as long as a lease
     */
    private void commitEndInterruptibly(StepRun step, Runnable end) throws InterruptedException {
        Instant givingUp = clock.instant().plus(leases.length());
        for (Duration pause = FIRST_PAUSE; ; pause = longer(pause)) {
            try {
                transactions.write(end);
                return;
            } catch (RuntimeException e) {
                boolean passing = e instanceof TidemillException coded
                        && (coded.code() == ErrorCode.UNAVAILABLE || coded.code() == ErrorCode.STORAGE_FULL);
                boolean refused = e instanceof TidemillException && !passing;
                if (refused || (!passing && clock.instant().isAfter(givingUp))) {
                    throw e;
                }
                LOG.warn("The end of step {} cannot be committed; trying again in {}", step.name(), pause, e);
            }
            Thread.sleep(pause);
        }
    }

    private static Duration longer(Duration pause) {
        Duration doubled = pause.multipliedBy(2);
        return doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE;
    }

    /** The same where only the worker's own end interrupts; the next worker takes the step up then. */
    private void commitEnd(StepRun step, Runnable end) {
        while (!closed) {
            try {
                commitEndInterruptibly(step, end);
                return;
            } catch (InterruptedException e) {
                LOG.debug("Step {} was interrupted while its end was committed", step.name());
            }
        }
    }

    /** Either the run was cancelled, or this worker is closing and the next one takes the step up again. */
    private void interrupted(PipelineRun run, Pipeline pipeline, StepRun step) {
        boolean cleared = Thread.interrupted();
        LOG.debug("Step {} interrupted ({})", step.name(), cleared);
        if (closed) {
            return;
        }
        commitEnd(step, () -> {
            store.finish(
                    run.id(),
                    step.name(),
                    step.fence(),
                    StepState.CANCELLED,
                    Map.of(),
                    false,
                    Optional.of("cancelled"),
                    clock.instant());
            pipelines.settle(store.run(run.id()));
        });
    }

    @Override
    public void close() {
        closed = true;
        dispatcher.close();
        renewer.close();
        running.values().forEach(attempt -> attempt.thread().interrupt());
    }

    private record Claimed(
            StepRun step,
            PipelineRun run,
            Pipeline pipeline,
            Pipeline.Step definition,
            Map<String, Object> inputs,
            Optional<TidemillException> problem) {}

    private record Attempt(StepRun step, Thread thread) {}

    private final class Context implements StepContext {
        private final PipelineRun run;
        private final StepRun step;
        private final Map<String, Object> inputs;
        private final Duration timeout;

        Context(PipelineRun run, StepRun step, Map<String, Object> inputs, Duration timeout) {
            this.run = run;
            this.step = step;
            this.inputs = Map.copyOf(inputs);
            this.timeout = timeout;
        }

        @Override
        public String project() {
            return run.project();
        }

        @Override
        public PipelineRunId run() {
            return run.id();
        }

        @Override
        public String actor() {
            return run.actor();
        }

        @Override
        public String step() {
            return step.name();
        }

        @Override
        public Duration timeout() {
            return timeout;
        }

        @Override
        public Map<String, Object> inputs() {
            return inputs;
        }

        @Override
        public void log(String line) {
            log.append(run.id(), step.name(), step.attempt(), line);
        }

        @Override
        public void progress(long done, long total) {
            log("progress " + done + "/" + total);
        }
    }
}
