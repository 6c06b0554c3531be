package dev.tidemill.inference.domain;

import java.util.List;
import java.util.function.Consumer;

/**
 * Keeps answered predictions until they are with the sink, through the process's and the machine's sudden end. Segments are
 * what is forgotten or read again as a whole. Thread-safe.
 */
public interface PredictionLog extends AutoCloseable {
    /**
     * Keeps predictions; when this returns they survive.
     *
     * @return the segment that holds them
     * @throws dev.tidemill.platform.errors.TidemillException {@code STORAGE_FULL} or {@code UNAVAILABLE} if it cannot
     */
    long append(List<Prediction> predictions);

    /**
     * Keeps what has become known of predictions since they were appended; at a sudden end of the machine that may be lost.
     *
     * @param segment that holds them
     */
    void amend(long segment, List<Prediction> predictions);

    /** Tells that one {@link #append} of a segment needs it no more. */
    void settle(long segment);

    /** Tells that one {@link #append} of a segment has no place in memory, and comes back by {@link #readable}. */
    void leave(long segment);

    /** Segments to be read, oldest first: those of a process before this one, and those with nothing but what was left. */
    List<Long> readable();

    /**
     * Reads a segment, in batches; the newest of what it says of each prediction. What in it cannot be read is left out, told in
     * the server's log and counted; the segment is then kept aside where it would be forgotten.
     *
     * @param batches what this throws is thrown on
     * @throws java.io.UncheckedIOException if it cannot be read now; the next attempt may succeed, or give it up as unreadable
     */
    void read(long segment, Consumer<List<Prediction>> batches);

    /** Forgets a segment that has been read. */
    void forget(long segment);

    /** Keeps a prediction that the sink never takes for a person to look at, with the reason; of very many the newest. */
    void setAside(Prediction prediction, String reason);

    /** Segments that are kept because they could not be read as a whole. */
    long unreadable();

    /** Bytes kept now. */
    long bytes();

    @Override
    void close();

    /** Keeps nothing. */
    PredictionLog NONE = new PredictionLog() {
        @Override
        public long append(List<Prediction> predictions) {
            return -1;
        }

        @Override
        public void amend(long segment, List<Prediction> predictions) {}

        @Override
        public void settle(long segment) {}

        @Override
        public void leave(long segment) {}

        @Override
        public List<Long> readable() {
            return List.of();
        }

        @Override
        public void read(long segment, Consumer<List<Prediction>> batches) {}

        @Override
        public void forget(long segment) {}

        @Override
        public void setAside(Prediction prediction, String reason) {}

        @Override
        public long unreadable() {
            return 0;
        }

        @Override
        public long bytes() {
            return 0;
        }

        @Override
        public void close() {}
    };
}
