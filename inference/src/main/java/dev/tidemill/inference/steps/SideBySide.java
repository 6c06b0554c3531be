package dev.tidemill.inference.steps;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Parts of work that call a model beside each other. Where one fails, or whoever waits is interrupted, the calls of the others are
 * cancelled, and they are waited for: a model is native code, which must not be closed under a call.
 */
final class SideBySide {
    /** One part's work. */
    interface Part {
        void run(int part, CallContext call) throws Exception;
    }

    private SideBySide() {}

    /**
     * Does parts 0 to {@code count - 1}; none is under way any more when it returns, however it does.
     *
     * @param threads how many are done at a time
     * @throws TidemillException what the first part that failed has thrown
     * @throws IllegalStateException with anything else that it has thrown
     */
    static void each(int count, int threads, Part work) throws InterruptedException {
        var stopped = new AtomicBoolean();
        ExecutorService workers = Executors.newFixedThreadPool(Math.max(1, threads));
        try (var cancellation = Cancellation.of(stopped::get, Optional.empty())) {
            var call = new CallContext(Map.of(), cancellation);
            try {
                List<Future<?>> all = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    int part = i;
                    all.add(workers.submit(() -> {
                        work.run(part, call);
                        return null;
                    }));
                }
                for (Future<?> one : all) {
                    one.get();
                }
            } finally {
                stopped.set(true);
                workers.shutdownNow();
                awaitEnd(workers);
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TidemillException coded) {
                throw coded;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Waits for what ends soon, since it is cancelled. Who interrupts this thread meanwhile is heard afterwards. */
    private static void awaitEnd(ExecutorService workers) {
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                ended = workers.awaitTermination(1, TimeUnit.HOURS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
