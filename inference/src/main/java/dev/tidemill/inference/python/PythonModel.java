package dev.tidemill.inference.python;

import dev.tidemill.inference.domain.Batching;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ParameterSpec;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model in several child processes. One that dies is started again by the next caller who needs it, at once the first time
 * and after a longer and longer pause if it keeps dying. Thread-safe.
 */
final class PythonModel implements LoadedModel {
    private static final Logger LOG = LoggerFactory.getLogger(PythonModel.class);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);
    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final long LOOK_MILLIS = 100;

    /** A place for a process, whether there is one now or not. */
    private static final class Seat {
        private Optional<PythonWorker> worker = Optional.empty();
        private int deaths;
        private long notBefore = System.nanoTime();
    }

    private final Supplier<PythonWorker> starter;
    private final String platform;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final List<ParameterSpec> parameters;
    private final List<String> classes;
    private final Duration patience;
    private final BlockingQueue<Seat> free;
    private final List<Seat> seats = new ArrayList<>();
    private final int mostRows;
    private final Runnable released;
    private volatile boolean closed;

    /**
     * Starts the first process and waits for it; the others come when they are needed.
     *
     * @param mostRows most rows of a joined call, as its maker says it; 0 if requests must not be joined
     * @param released run when it is closed: its files and its environment are needed no more
     */
    PythonModel(
            Supplier<PythonWorker> starter,
            String platform,
            int workers,
            Duration patience,
            int mostRows,
            List<TensorSpec> inputs,
            List<TensorSpec> outputs,
            Runnable released) {
        this.released = released;
        this.starter = starter;
        this.platform = platform;
        this.patience = patience;
        this.mostRows = mostRows;
        this.free = new ArrayBlockingQueue<>(workers);
        PythonWorker first = starter.get();
        this.inputs = inputs.isEmpty() ? first.specs("inputs") : inputs;
        this.outputs = outputs.isEmpty() ? first.specs("outputs") : outputs;
        this.parameters = first.parameters();
        this.classes = first.classes();
        for (int i = 0; i < workers; i++) {
            var seat = new Seat();
            seats.add(seat);
            free.add(seat);
        }
        seats.getFirst().worker = Optional.of(first);
    }

    @Override
    public String platform() {
        return platform;
    }

    @Override
    public List<TensorSpec> inputs() {
        return inputs;
    }

    @Override
    public List<TensorSpec> outputs() {
        return outputs;
    }

    @Override
    public List<ParameterSpec> parameters() {
        return parameters;
    }

    @Override
    public List<String> classes() {
        return classes;
    }

    @Override
    public boolean answersScores() {
        return false;
    }

    @Override
    public List<Tensor> predict(List<Tensor> given) {
        return predict(given, CallContext.NONE);
    }

    @Override
    public List<Tensor> predict(List<Tensor> given, CallContext context) {
        context.cancellation().check();
        Seat seat = take(context.cancellation());
        try {
            PythonWorker worker = occupied(seat);
            List<Tensor> answer = worker.predict(given, context, patience);
            seat.deaths = 0;
            return answer;
        } finally {
            if (seat.worker.isPresent() && !seat.worker.get().isAlive()) {
                seat.worker = Optional.empty();
                seat.deaths++;
                long pause =
                        seat.deaths == 1 ? 0 : Math.min(LONGEST_PAUSE.toMillis(), 500L << Math.min(10, seat.deaths));
                seat.notBefore = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pause);
                LOG.warn("A process of a Python model has died, {} times in a row", seat.deaths);
            }
            free.add(seat);
        }
    }

    private Seat take(Cancellation cancellation) {
        try {
            // One that is running is taken before one that has to be started.
            Optional<Seat> running = Optional.empty();
            Seat first = free.poll();
            for (long waited = 0; first == null && waited < WAIT.toMillis(); waited += LOOK_MILLIS) {
                first = free.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                if (first == null) {
                    cancellation.check();
                }
            }
            if (first == null) {
                throw new TidemillException(ErrorCode.UNAVAILABLE, "Every process of the model is busy")
                        .remedy("Try again in a second");
            }
            if (first.worker.isEmpty()) {
                running = free.stream()
                        .filter(seat -> seat.worker.isPresent())
                        .findFirst()
                        .filter(free::remove);
            }
            if (running.isPresent()) {
                free.add(first);
                return running.get();
            }
            return first;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        }
    }

    private PythonWorker occupied(Seat seat) {
        if (seat.worker.isPresent() && seat.worker.get().isAlive()) {
            return seat.worker.get();
        }
        long wait = TimeUnit.NANOSECONDS.toMillis(seat.notBefore - System.nanoTime());
        if (wait > 0 || closed) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "The model's process keeps ending; it is started again soon")
                    .remedy("Try again in " + (wait / 1000 + 1) + " s");
        }
        PythonWorker started = starter.get();
        seat.worker = Optional.of(started);
        if (closed) {
            started.close();
        }
        return started;
    }

    @Override
    public Batching batching() {
        return mostRows > 0
                ? Batching.joined(seats.size(), mostRows, "its folder says max_batch_size " + mostRows)
                : Batching.apart("its folder does not say max_batch_size, so nobody knows that it answers row by row");
    }

    @Override
    public boolean isElsewhere() {
        return true;
    }

    @Override
    public long bytes() {
        return seats.stream()
                .flatMap(seat -> seat.worker.stream())
                .mapToLong(PythonWorker::bytes)
                .sum();
    }

    @Override
    public void close() {
        closed = true;
        seats.forEach(seat -> seat.worker.ifPresent(PythonWorker::close));
        released.run();
    }
}
