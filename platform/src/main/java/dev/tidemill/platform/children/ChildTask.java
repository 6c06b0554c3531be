package dev.tidemill.platform.children;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Work that runs in a child JVM, found there by {@link java.util.ServiceLoader}. A native crash or a runaway query ends
 * the child, not the server.
 */
public interface ChildTask {
    /** The name that the server asks for it by. */
    String name();

    /**
     * Does the work.
     *
     * @param request what the server sent
     * @param report carries lines of log and numbers back while the work goes on
     * @return the answer
     * @throws dev.tidemill.platform.errors.TidemillException to refuse with a code that reaches the caller
     */
    JsonNode run(JsonNode request, Report report) throws Exception;

    /** What a task tells while it works. */
    interface Report {
        void log(String line);

        /** A point of a named curve. */
        void metric(String key, long step, double value);

        void progress(long done, long total);
    }
}
