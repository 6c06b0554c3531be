package dev.tidemill.inference.domain;

import dev.tidemill.platform.config.FileTrees;
import dev.tidemill.platform.ids.Ids;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's files in a new folder of their own, deleted when closed: foreign code must never be able to write to a blob.
 *
 * @param folder with the files
 */
public record UnpackedModel(Path folder) implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnpackedModel.class);

    /**
     * Unpacks a model, whole or not at all.
     *
     * @param within where its folder is made; it need not be there yet
     */
    public static UnpackedModel of(ModelFolder model, Path within) {
        var unpacked = new UnpackedModel(within.toAbsolutePath().normalize().resolve(Ids.next()));
        try {
            for (String path : model.folder().files().keySet()) {
                Path copy = unpacked.folder.resolve(path).normalize();
                if (!copy.startsWith(unpacked.folder)) {
                    throw model.unusable("its file '" + path + "' lies outside its folder");
                }
                Files.createDirectories(copy.getParent());
                model.copy(path, copy);
            }
            return unpacked;
        } catch (IOException e) {
            unpacked.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException | Error e) {
            unpacked.close();
            throw e;
        }
    }

    /** Deletes what a process that was killed has left there. */
    public static void sweep(Path within) {
        new UnpackedModel(within).close();
    }

    @Override
    public void close() {
        try {
            FileTrees.delete(folder);
        } catch (UncheckedIOException e) {
            LOG.warn("{} is left until the server starts again: {}", folder, e.getMessage());
        }
    }
}
