package dev.tidemill.platform.errors;

/** The cause of a refusal to start while another server holds the data directory or its database: once that ends, the same start goes well. */
public final class HeldElsewhere extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public HeldElsewhere() {
        super("another server holds it");
    }

    /** Whether this is what a refusal comes from. */
    public static boolean isCauseOf(Throwable refusal) {
        for (Throwable cause = refusal; cause != null; cause = cause.getCause()) {
            if (cause instanceof HeldElsewhere) {
                return true;
            }
        }
        return false;
    }
}
