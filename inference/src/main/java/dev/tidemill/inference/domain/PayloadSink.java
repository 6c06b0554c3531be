package dev.tidemill.inference.domain;

import java.util.List;

/** Takes payloads somewhere. Called by one thread at a time. */
public interface PayloadSink extends AutoCloseable {
    /** What metrics call it. */
    String name();

    /**
     * Takes payloads; called with none now and then, so that it may do what is due.
     *
     * @return how many it took; the others are dropped, and counted
     */
    int deliver(List<Payload> payloads);

    @Override
    void close();
}
