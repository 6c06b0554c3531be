package dev.tidemill.cli;

/** Ends a command with a message and an exit code; see {@link Exit}. */
class CliException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exit;

    CliException(int exit, String message) {
        super(message);
        this.exit = exit;
    }

    final int exit() {
        return exit;
    }

    /** A server answers with more than is kept; where a list was asked for, a shorter one may do. */
    static final class TooMuch extends CliException {
        private static final long serialVersionUID = 1L;

        TooMuch(String message) {
            super(Exit.FAILURE, message);
        }
    }
}
