package dev.tidemill.cli;

/** Ends a command with a message and an exit code; see {@link Exit}. */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exit;

    CliException(int exit, String message) {
        super(message);
        this.exit = exit;
    }

    int exit() {
        return exit;
    }
}
