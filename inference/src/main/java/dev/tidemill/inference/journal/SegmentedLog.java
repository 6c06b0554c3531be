package dev.tidemill.inference.journal;

import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.inference.domain.PredictionLog;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Append-only files of {@link Frames}, which one thread writes for all ({@link GroupCommit}). A file that is full is followed by
 * the next; it is deleted once everything in it is settled ({@link Segments}). What a sudden end has torn at a file's end was
 * answered to nobody; a file with damage elsewhere is {@link KeptAside} once the rest of it has been read. Thread-safe.
 */
public final class SegmentedLog implements PredictionLog {
    private static final Logger LOG = LoggerFactory.getLogger(SegmentedLog.class);
    private static final int BATCH = 1_000;

    private final KeptAside aside;
    private final Segments segments;
    private final GroupCommit writing;

    /**
     * Opens a folder, with what a process before has left in it.
     *
     * @param mostBytes beyond which nothing more is kept, and so nothing more is answered that has to be
     */
    public SegmentedLog(Path folder, long mostBytes) {
        this(folder, mostBytes, new DeletionHold());
    }

    /** @param deletions keeps files that are settled until somebody has a second name for them */
    public SegmentedLog(Path folder, long mostBytes, DeletionHold deletions) {
        this(folder, mostBytes, deletions, Disk.REAL);
    }

    SegmentedLog(Path folder, long mostBytes, DeletionHold deletions, Disk disk) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.aside = new KeptAside(folder);
        this.segments = new Segments(folder, new SettledFiles(deletions, aside), aside.segments());
        this.writing = new GroupCommit(disk, folder, mostBytes, segments);
    }

    @Override
    public long append(List<Prediction> predictions) {
        try {
            return writing.append(Frames.of(predictions)).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof TidemillException coded ? coded : e;
        }
    }

    @Override
    public void amend(long segment, List<Prediction> predictions) {
        writing.amend(segment, Frames.of(predictions));
    }

    @Override
    public void settle(long segment) {
        segments.settle(segment);
    }

    @Override
    public void leave(long segment) {
        segments.leave(segment);
    }

    @Override
    public List<Long> readable() {
        if (segments.isNewestLeft()) {
            writing.rollSoon();
        }
        return segments.readable();
    }

    @Override
    public void read(long segment, Consumer<List<Prediction>> batches) {
        Path file = segments.file(segment);
        var newest = new LinkedHashMap<Prediction.Key, Prediction>();
        try {
            Frames.Content content = Frames.read(file);
            content.batches().stream()
                    .flatMap(List::stream)
                    .forEach(prediction -> newest.put(prediction.key(), prediction));
            if (content.torn() > 0) {
                LOG.warn("The last {} bytes of {} are torn; they were never answered for", content.torn(), file);
            }
            if (content.unreadable() > 0) {
                LOG.error("{} bytes of {} are damaged; what follows them is read", content.unreadable(), file);
                segments.damaged(segment);
            }
        } catch (IOException e) {
            if (segments.isWorthAnotherRead(segment)) {
                throw new UncheckedIOException(e);
            }
            LOG.error("{} cannot be read", file, e);
            segments.damaged(segment);
        }
        List<Prediction> all = List.copyOf(newest.values());
        for (int from = 0; from < all.size(); from += BATCH) {
            batches.accept(all.subList(from, Math.min(all.size(), from + BATCH)));
        }
    }

    @Override
    public void forget(long segment) {
        segments.forget(segment);
    }

    @Override
    public void setAside(Prediction prediction, String reason) {
        aside.prediction(prediction, reason);
    }

    @Override
    public long unreadable() {
        return segments.unreadable();
    }

    @Override
    public long bytes() {
        return segments.bytes();
    }

    @Override
    public void close() {
        writing.close();
    }
}
