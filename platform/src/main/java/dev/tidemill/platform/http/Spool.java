package dev.tidemill.platform.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where an answer waits for a slow reader, so that nothing of the database is held meanwhile: in memory while it is small, in a
 * temporary file beyond that. Not thread-safe; written first, then read once, then closed.
 */
public final class Spool extends OutputStream {
    private static final int IN_MEMORY = 1 << 20;

    private ByteArrayOutputStream memory = new ByteArrayOutputStream();
    private @Nullable Path file;
    private @Nullable OutputStream out;

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        if (out == null && memory.size() + length > IN_MEMORY) {
            file = Files.createTempFile("tidemill-answer", ".json");
            out = Files.newOutputStream(file);
            memory.writeTo(out);
            memory = new ByteArrayOutputStream(0);
        }
        if (out == null) {
            memory.write(bytes, offset, length);
        } else {
            out.write(bytes, offset, length);
        }
    }

    /** Writes everything and closes the spool. */
    public void drainTo(OutputStream target) throws IOException {
        try (this) {
            if (out != null && file != null) {
                out.close();
                Files.copy(file, target);
            } else {
                memory.writeTo(target);
            }
        }
    }

    @Override
    public void close() throws IOException {
        if (out != null && file != null) {
            out.close();
            Files.deleteIfExists(file);
        }
    }
}
