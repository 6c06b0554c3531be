package dev.tidemill.cli;

/** Exit codes, the same for every command. */
final class Exit {
    static final int OK = 0;
    static final int FAILURE = 1;
    static final int USAGE = 2;
    static final int NOT_FOUND = 3;
    static final int PERMISSION = 4;
    static final int CONFLICT = 5;
    static final int TIMEOUT = 6;
    static final int CHECK_FAILED = 7;
    /** Done, but for items that are listed. */
    static final int INCOMPLETE = 8;

    static final int INTERRUPTED = 130;

    private Exit() {}

    /** The code for an HTTP status. */
    static int of(int status) {
        return switch (status) {
            case 400, 413, 415 -> FAILURE;
            case 401, 403 -> PERMISSION;
            case 404 -> NOT_FOUND;
            case 409, 412 -> CONFLICT;
            case 422 -> CHECK_FAILED;
            case 408, 504 -> TIMEOUT;
            default -> FAILURE;
        };
    }
}
