package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
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

    /** Whether the model may not be called any more: what it was trusted with was taken back. */
    public boolean isRetired() {
        return entry.isRetired();
    }

    /**
     * Calls the model as soon as it has time.
     *
     * @throws TidemillException {@code UNAVAILABLE} once it {@link #isRetired}
     */
    Calls.Outcome call(List<Tensor> inputs, CallContext context) {
        requireInService();
        return entry.calls().call(inputs, context);
    }

    /** @throws TidemillException {@code UNAVAILABLE} once it {@link #isRetired} */
    public void requireInService() {
        if (entry.isRetired()) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "What the code of a model may do was changed since it was loaded")
                    .remedy("See 'tidemill models show MODEL VERSION', and try again once it is loaded anew");
        }
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
