package dev.tidemill.app;

import dev.tidemill.platform.config.DataDirectory;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks each second whether the process still holds its data directory, and ends the process at once, as SIGKILL would, if another has
 * taken it: two that write into one directory lose what the other wrote.
 */
final class DirectoryWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryWatch.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** What the process ends with. */
    static final int TAKEN = 1;

    private final DataDirectory directory;
    /** Of the system: models that compute for long may hold every carrier of virtual threads (ADR 13). */
    private final Thread thread =
            Thread.ofPlatform().daemon().name("data-directory").unstarted(this::watch);

    private volatile boolean closed;

    DirectoryWatch(DataDirectory directory) {
        this.directory = directory;
    }

    void start() {
        thread.start();
    }

    private void watch() {
        while (!closed) {
            try {
                Thread.sleep(PAUSE);
                if (!closed && !directory.isHeld() && !closed) {
                    LOG.error(
                            "The data directory {} has been taken by another server, which its lock file did not keep away:"
                                    + " it was removed. This one ends",
                            directory.path());
                    Runtime.getRuntime().halt(TAKEN);
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException e) {
                LOG.warn("Whether the data directory is still held cannot be seen: {}", e.toString());
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
