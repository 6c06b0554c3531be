package dev.tidemill.inference.domain;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/** Answers a function of each number of its one column; can be held, and remembers its calls and whether it was closed. */
class FunctionModel implements LoadedModel {
    private final DoubleUnaryOperator function;
    private final List<Integer> rowsOfCalls = Collections.synchronizedList(new ArrayList<>());
    /** What calls wait for. */
    volatile CountDownLatch gate = new CountDownLatch(0);

    private volatile boolean closed;

    FunctionModel(DoubleUnaryOperator function) {
        this.function = function;
    }

    /** How many rows each call had, in order. */
    List<Integer> rowsOfCalls() {
        return rowsOfCalls;
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public String platform() {
        return "function";
    }

    @Override
    public List<TensorSpec> inputs() {
        return List.of(TensorSpec.column("x", Datatype.FP64, false));
    }

    @Override
    public List<TensorSpec> outputs() {
        return List.of(TensorSpec.column("y", Datatype.FP64, false));
    }

    @Override
    public List<Tensor> predict(List<Tensor> given) {
        Tensor x = given.getFirst();
        rowsOfCalls.add(x.rows());
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        double[] values = IntStream.range(0, x.size())
                .mapToDouble(x::number)
                .map(function)
                .toArray();
        return List.of(Tensor.numbers("y", Datatype.FP64, x.shape(), values));
    }

    @Override
    public long bytes() {
        return 100;
    }

    @Override
    public void close() {
        closed = true;
    }
}
