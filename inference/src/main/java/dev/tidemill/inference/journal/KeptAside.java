package dev.tidemill.inference.journal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.Prediction;
import dev.tidemill.platform.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a person is to look at, in the journal's folder: segments that could not be read as a whole, under names by which they are
 * not read again, the newest {@value #MOST_FILES} of them; and predictions that the sink never took, a JSON object a line with the
 * reason, the newest 8 to 16 MB of them. Thread-safe.
 */
final class KeptAside {
    private static final Logger LOG = LoggerFactory.getLogger(KeptAside.class);
    static final String UNREADABLE = ".unreadable";
    private static final String REFUSED = "refused.jsonl";
    private static final String REFUSED_BEFORE = "refused.1.jsonl";
    private static final int MOST_FILES = 16;
    private static final long MOST_BYTES = 8 << 20;

    private final Path folder;

    KeptAside(Path folder) {
        this.folder = folder;
    }

    /** How many segments are kept that could not be read as a whole. */
    long segments() {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(KeptAside::isUnreadable).count();
        } catch (IOException e) {
            LOG.warn("{} cannot be listed: {}", folder, e.toString());
            return 0;
        }
    }

    private static boolean isUnreadable(Path file) {
        return file.toString().endsWith(UNREADABLE);
    }

    /** Keeps a segment. */
    synchronized void segment(Path file) {
        Path aside = file.resolveSibling(file.getFileName() + UNREADABLE);
        try {
            Files.move(file, aside);
            LOG.error("Kept as {}: not all of it can be read", aside);
        } catch (IOException e) {
            LOG.error("{} cannot be read, nor renamed: {}", file, e.toString());
        }
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> kept = files.filter(KeptAside::isUnreadable).sorted().toList();
            for (Path old : kept.subList(0, Math.max(0, kept.size() - MOST_FILES))) {
                Files.deleteIfExists(old);
            }
        } catch (IOException e) {
            LOG.warn("Old segments in {} could not be deleted: {}", folder, e.toString());
        }
    }

    /** Keeps a prediction. */
    synchronized void prediction(Prediction prediction, String reason) {
        ObjectNode line = Json.object().put("reason", reason);
        line.set("prediction", Json.tree(prediction));
        Path file = folder.resolve(REFUSED);
        try {
            if (Files.exists(file) && Files.size(file) > MOST_BYTES) {
                Files.move(file, folder.resolve(REFUSED_BEFORE), StandardCopyOption.REPLACE_EXISTING);
            }
            Files.write(
                    file,
                    (Json.write(line) + "\n").getBytes(StandardCharsets.UTF_8),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            LOG.error("{} could not be written: {}", file, e.toString());
        }
    }
}
