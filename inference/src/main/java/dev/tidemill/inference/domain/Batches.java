package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Calls of a model that is known to answer each row by itself ({@link Batching}), and many rows for about the price of one. A
 * request that finds a lane free goes at once, alone; only those that have to wait anyway are joined, when a lane becomes free,
 * and only if their tensors agree in names, datatypes and shapes but for rows, of which each tensor of a request has as many. Where a joined call fails each of its requests is called by itself, so that each
 * gets its own error. Thread-safe.
 */
final class Batches implements Calls {
    private static final int MOST_REQUESTS = 128;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final class Waiting {
        private final List<Tensor> inputs;
        private final CallContext context;
        private final CompletableFuture<Turn> turn = new CompletableFuture<>();
        private boolean alone;

        private Waiting(List<Tensor> inputs, CallContext context) {
            this.inputs = inputs;
            this.alone = !Tensor.haveRows(inputs);
            this.context = context;
        }

        private int rows() {
            return inputs.getFirst().rows();
        }
    }

    /** What becomes of a request that waited. */
    private sealed interface Turn {
        /** It has a lane, for itself and others. */
        record Lead(List<Waiting> batch) implements Turn {}

        /** Another has answered it. */
        record Answered(List<Tensor> outputs) implements Turn {}

        /** Nobody waits for its answer any more. */
        record Cancelled() implements Turn {}
    }

    private final LoadedModel model;
    private final int lanes;
    private final int mostRows;
    private final WaitingRoom.Line line;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
    private int running;
    private volatile boolean joins = true;

    Batches(LoadedModel model, WaitingRoom.Line line) {
        this.model = model;
        this.lanes = model.batching().lanes();
        this.mostRows = model.batching().rows();
        this.line = line;
    }

    /** Requests that wait now. */
    int waiting() {
        lock.lock();
        try {
            return queue.size();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Outcome call(List<Tensor> inputs, CallContext context) {
        var mine = new Waiting(inputs, context);
        if (!begin(mine)) {
            switch (await(mine)) {
                case Turn.Answered answered -> {
                    AnswerMemory.take(AnswerMemory.weight(answered.outputs()));
                    return new Outcome(answered.outputs(), false);
                }
                case Turn.Lead lead -> {
                    return lead(mine, lead.batch());
                }
                case Turn.Cancelled() -> throw context.cancellation().exception();
            }
        }
        return lead(mine, List.of(mine));
    }

    /** Takes a lane, or a place in the queue; true for a lane. */
    private boolean begin(Waiting mine) {
        lock.lock();
        try {
            if (running < lanes && queue.isEmpty()) {
                running++;
                return true;
            }
            line.enter();
            queue.add(mine);
            return false;
        } finally {
            lock.unlock();
        }
    }

    private Turn await(Waiting mine) {
        try (var notice = mine.context.cancellation().onCancel(() -> cancel(mine))) {
            return mine.turn.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            if (leaves(mine)) {
                throw WaitingRoom.busy("The model had no time for the request within " + PATIENCE.toSeconds() + " s");
            }
            // Its turn has come this moment.
            return mine.turn.join();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            if (!leaves(mine) && mine.turn.join() instanceof Turn.Lead lead) {
                putBack(lead.batch(), mine);
                handOver();
            }
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } finally {
            line.leave();
        }
    }

    /** Takes a request out of the queue, or out of a call that another makes for it; no longer if it has a lane of its own. */
    private void cancel(Waiting mine) {
        lock.lock();
        try {
            queue.remove(mine);
            mine.turn.complete(new Turn.Cancelled());
        } finally {
            lock.unlock();
        }
    }

    private boolean leaves(Waiting mine) {
        lock.lock();
        try {
            return queue.remove(mine);
        } finally {
            lock.unlock();
        }
    }

    private Outcome lead(Waiting mine, List<Waiting> batch) {
        try {
            if (batch.size() > 1) {
                try {
                    return new Outcome(together(mine, batch), true);
                } catch (RuntimeException | Error e) {
                    // Whatever it was, such as memory that the rows of all together ask for, nobody may wait for it for
                    // ever.
                    putBack(batch, mine);
                }
            }
            return new Outcome(model.predict(mine.inputs, mine.context), true);
        } finally {
            handOver();
        }
    }

    /** Calls the model with all rows, answers the others, and gives the answer of one's own. */
    private List<Tensor> together(Waiting mine, List<Waiting> batch) {
        List<Tensor> all = new ArrayList<>();
        for (int i = 0; i < mine.inputs.size(); i++) {
            int input = i;
            all.add(TensorRows.concatenated(
                    batch.stream().map(one -> one.inputs.get(input)).toList()));
        }
        Cancellation everybody = Cancellation.all(
                batch.stream().map(one -> one.context.cancellation()).toList());
        List<Tensor> outputs = model.predict(all, mine.context.with(everybody));
        int rows = all.getFirst().rows();
        if (outputs.stream().anyMatch(output -> !output.hasRows(rows))) {
            // What is known of it is wrong, and it is not to be joined again.
            joins = false;
            throw new IllegalStateException("rows in and out differ");
        }
        List<Tensor> own = List.of();
        int from = 0;
        for (Waiting one : batch) {
            int begin = from;
            int end = from + one.rows();
            List<Tensor> part = outputs.stream()
                    .map(output -> TensorRows.of(output, begin, end))
                    .toList();
            if (one == mine) {
                own = part;
            } else {
                one.turn.complete(new Turn.Answered(part));
            }
            from = end;
        }
        // What was taken for all is this request's own part from now on; the others count theirs.
        long joined = AnswerMemory.weight(outputs);
        if (joined > AnswerMemory.SMALL) {
            AnswerMemory.give(joined - AnswerMemory.weight(own));
        }
        return own;
    }

    private void putBack(List<Waiting> batch, Waiting mine) {
        lock.lock();
        try {
            for (Waiting one : batch.reversed()) {
                if (one != mine && !one.turn.isDone()) {
                    one.alone = true;
                    queue.addFirst(one);
                }
            }
            dispatch();
        } finally {
            lock.unlock();
        }
    }

    /** Gives the lane to those who wait longest, or frees it. */
    private void handOver() {
        lock.lock();
        try {
            running--;
            dispatch();
        } finally {
            lock.unlock();
        }
    }

    /** Fills free lanes, while holding the lock. */
    private void dispatch() {
        while (running < lanes && !queue.isEmpty()) {
            List<Waiting> batch = next();
            running++;
            batch.getFirst().turn.complete(new Turn.Lead(batch));
        }
    }

    private List<Waiting> next() {
        Waiting first = queue.remove();
        List<Waiting> batch = new ArrayList<>(List.of(first));
        if (first.alone || !joins) {
            return batch;
        }
        int rows = first.rows();
        for (Iterator<Waiting> others = queue.iterator();
                others.hasNext() && rows < mostRows && batch.size() < MOST_REQUESTS; ) {
            Waiting other = others.next();
            if (!other.alone && rows + other.rows() <= mostRows && alike(first, other)) {
                batch.add(other);
                rows += other.rows();
                others.remove();
            }
        }
        return batch;
    }

    private static boolean alike(Waiting first, Waiting second) {
        List<Tensor> some = first.inputs;
        List<Tensor> others = second.inputs;
        if (some.size() != others.size() || !first.context.parameters().equals(second.context.parameters())) {
            return false;
        }
        for (int i = 0; i < some.size(); i++) {
            Tensor one = some.get(i);
            Tensor other = others.get(i);
            long[] shape = one.shape();
            long[] otherShape = other.shape();
            if (!one.name().equals(other.name())
                    || one.datatype() != other.datatype()
                    || shape.length != otherShape.length
                    || !Arrays.equals(shape, 1, shape.length, otherShape, 1, otherShape.length)) {
                return false;
            }
        }
        return true;
    }
}
