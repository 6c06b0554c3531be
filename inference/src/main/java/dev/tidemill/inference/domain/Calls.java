package dev.tidemill.inference.domain;

import java.util.List;

/** The way in to a loaded model, which bounds how many call it at a time and how many wait. Thread-safe. */
interface Calls {
    /**
     * What a request got.
     *
     * @param executed whether the model was called for this request, rather than for another that it was joined to
     */
    record Outcome(List<Tensor> outputs, boolean executed) {}

    /**
     * Calls the model. Who is cancelled while waiting leaves at once; a call that runs is ended where the model allows it.
     *
     * @throws dev.tidemill.platform.errors.TidemillException what the model says, {@code UNAVAILABLE} if too many wait already
     *     or the wait was too long, or what {@link Cancellation#exception} gives
     */
    Outcome call(List<Tensor> inputs, CallContext context);

    static Calls of(LoadedModel model, WaitingRoom.Line line) {
        return model.batching().joins() ? new Batches(model, line) : new Turnstile(model, line);
    }
}
