package dev.tidemill.inference.domain;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** The right to use a loaded model, until closed. Thread-safe. */
public final class ModelHandle implements AutoCloseable {
    private final LoadedEntry entry;
    private final AtomicBoolean open = new AtomicBoolean(true);

    ModelHandle(LoadedEntry entry) {
        this.entry = entry;
    }

    public LoadedModel model() {
        return entry.model();
    }

    /** Begins a use that ends with {@link #leave}; false if the model has been closed since. */
    boolean enter() {
        return entry.retain();
    }

    void leave() {
        entry.release();
    }

    /** Calls the model as soon as it has time. */
    Calls.Outcome call(List<Tensor> inputs, CallContext context) {
        return entry.calls().call(inputs, context);
    }

    /** The same, for a model that answers for another. */
    public List<Tensor> predict(List<Tensor> inputs, CallContext context) {
        return call(inputs, context).outputs();
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            entry.release();
        }
    }
}
