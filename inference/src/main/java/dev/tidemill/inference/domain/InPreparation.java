package dev.tidemill.inference.domain;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * The cause of a refusal of a model that cannot be served yet because what it needs is being made, such as its environment. Nothing is
 * wrong with it, and whoever tries again later gets it.
 */
public final class InPreparation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Duration again;
    private final transient CompletionStage<?> end;

    /**
     * @param waited what ended the wait for it
     * @param again after which to look for it
     * @param end completes, on any thread, once it is made or cannot be
     */
    public InPreparation(Throwable waited, Duration again, CompletionStage<?> end) {
        super("what the model needs is being made", waited);
        this.again = again;
        this.end = end;
    }

    /** What a failure to load a model comes from, if it is this. */
    public static Optional<InPreparation> of(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof InPreparation preparation) {
                return Optional.of(preparation);
            }
        }
        return Optional.empty();
    }

    /** Whether this is what a failure to load a model comes from. */
    public static boolean isCauseOf(Throwable failure) {
        return of(failure).isPresent();
    }

    /** After which to look for it. */
    public Duration again() {
        return again;
    }

    /** Completes, on any thread, once it is made or cannot be. */
    public CompletionStage<?> end() {
        return end;
    }
}
