package dev.tidemill.client;

/** What the server refused, or why it could not be asked. */
public final class TidemillException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;

    TidemillException(int status, String message) {
        super(message);
        this.status = status;
    }

    TidemillException(String message, Throwable cause) {
        super(message, cause);
        this.status = 0;
    }

    /** HTTP status of the refusal; 0 if the server was not reached. */
    public int status() {
        return status;
    }
}
