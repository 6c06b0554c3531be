package dev.tidemill.pipelines.logs;

import dev.tidemill.pipelines.domain.PipelineRunId;
import dev.tidemill.pipelines.domain.StepLog;
import dev.tidemill.platform.config.FileTrees;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One file a step, at most {@value #MOST} bytes long; what a step prints beyond is counted in a last line. */
public final class FileStepLog implements StepLog {
    private static final Logger LOG = LoggerFactory.getLogger(FileStepLog.class);
    private static final long MOST = 10L * 1024 * 1024;
    private static final int LONGEST_LINE = 8 * 1024;

    private final Path root;
    private final Clock clock;
    private final Map<Path, AtomicLong> dropped = new ConcurrentHashMap<>();

    public FileStepLog(Path root, Clock clock) {
        this.root = root;
        this.clock = clock;
    }

    @Override
    public void append(PipelineRunId run, String step, int attempt, String line) {
        Path file = file(run, step);
        String shortened = line.length() <= LONGEST_LINE ? line : line.substring(0, LONGEST_LINE) + " ...";
        byte[] bytes = (clock.instant() + " [" + attempt + "] " + shortened.replace('\n', ' ') + "\n")
                .getBytes(StandardCharsets.UTF_8);
        try {
            Files.createDirectories(file.getParent());
            if (Files.exists(file) && Files.size(file) + bytes.length > MOST) {
                noteDropped(file);
                return;
            }
            Files.write(file, bytes, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            // A step must not fail because what it says cannot be kept, as on a full disk.
            if (dropped.computeIfAbsent(file, key -> new AtomicLong()).incrementAndGet() == 1) {
                LOG.warn("The log {} cannot be written; lines are dropped: {}", file, e.toString());
            }
        }
    }

    private void noteDropped(Path file) throws IOException {
        long count = dropped.computeIfAbsent(file, key -> new AtomicLong()).incrementAndGet();
        if (count == 1) {
            Files.writeString(
                    file, clock.instant() + " the log is full; later lines are dropped\n", StandardOpenOption.APPEND);
        }
    }

    @Override
    public Chunk read(PipelineRunId run, String step, long offset, int limit) {
        Path file = file(run, step);
        if (!Files.exists(file)) {
            return new Chunk("", 0);
        }
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            long start = Math.clamp(offset, 0, in.length());
            byte[] bytes = new byte[(int) Math.min(limit, in.length() - start)];
            in.seek(start);
            in.readFully(bytes);
            int end = bytes.length;
            while (end > 0 && bytes[end - 1] != '\n') {
                end--;
            }
            return new Chunk(new String(bytes, 0, end, StandardCharsets.UTF_8), start + end);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void delete(PipelineRunId run) {
        Path folder = root.resolve(run.value());
        dropped.keySet().removeIf(file -> file.startsWith(folder));
        FileTrees.delete(folder);
    }

    private Path file(PipelineRunId run, String step) {
        return root.resolve(run.value()).resolve(step + ".log");
    }
}
