package dev.tidemill.inference.domain;

/**
 * The cause of a refusal of a model that cannot be served yet because what it needs is being made, such as its environment. Nothing is
 * wrong with it, and whoever tries again later gets it.
 */
public final class InPreparation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param waited what ended the wait for it */
    public InPreparation(Throwable waited) {
        super("what the model needs is being made", waited);
    }

    /** Whether this is what a failure to load a model comes from. */
    public static boolean isCauseOf(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof InPreparation) {
                return true;
            }
        }
        return false;
    }
}
