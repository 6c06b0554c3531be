package dev.tidemill.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Has eight threads write at once, as clients of one server do, and tells what each call came to. Whoever tests a store asserts
 * with it that nothing acknowledged is lost and nothing valid refused, on a database with one writer and on one with many.
 */
public final class Contention {
    public static final int THREADS = 8;

    private Contention() {}

    /** A write of one thread, in one of its turns. */
    @FunctionalInterface
    public interface Write<T> {
        T run(int thread, int turn) throws Exception;
    }

    /** What the calls have answered, and with what they have been refused; in no order. */
    public record Outcomes<T>(List<T> answers, List<Exception> refusals) {
        /** The answers, where nothing was refused. */
        public List<T> allAnswered() {
            if (!refusals.isEmpty()) {
                throw new AssertionError(
                        refusals.size() + " of " + (answers.size() + refusals.size())
                                + " writes were refused, the first of them here",
                        refusals.getFirst());
            }
            return answers;
        }
    }

    /** Runs the write in each thread so many times; all threads begin each turn together. */
    public static <T> Outcomes<T> of(int turns, Write<T> write) {
        var answers = new ArrayList<T>();
        var refusals = new ArrayList<Exception>();
        var together = new CyclicBarrier(THREADS);
        try (var threads = Executors.newFixedThreadPool(THREADS)) {
            var calls = new ArrayList<Future<List<Callable<T>>>>();
            for (int i = 0; i < THREADS; i++) {
                int thread = i;
                calls.add(threads.submit(() -> outcomes(thread, turns, write, together)));
            }
            for (var call : calls) {
                for (Callable<T> outcome : call.get()) {
                    try {
                        answers.add(outcome.call());
                    } catch (Exception e) {
                        refusals.add(e);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        } catch (ExecutionException e) {
            throw new AssertionError("a thread failed", e.getCause());
        }
        return new Outcomes<>(answers, refusals);
    }

    private static <T> List<Callable<T>> outcomes(int thread, int turns, Write<T> write, CyclicBarrier together)
            throws Exception {
        var outcomes = new ArrayList<Callable<T>>();
        for (int turn = 0; turn < turns; turn++) {
            together.await();
            try {
                T answer = write.run(thread, turn);
                outcomes.add(() -> answer);
            } catch (Exception e) {
                outcomes.add(() -> {
                    throw e;
                });
            }
        }
        return outcomes;
    }
}
