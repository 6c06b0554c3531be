package dev.tidemill.platform.http;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Where an answer waits for a slow reader, so that nothing of the database is held meanwhile: in memory while it is small, in a
 * temporary file beyond that. Not thread-safe; written first, then read once, then closed.
 */
public final class Spool extends OutputStream {
    private static final int IN_MEMORY = 1 << 20;
    private static final int BUFFER = 1 << 16;

    private ByteArrayOutputStream memory = new ByteArrayOutputStream();
    private @Nullable FileChannel file;
    private @Nullable OutputStream out;

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        if (out == null && memory.size() + length > IN_MEMORY) {
            file = temporary();
            out = new BufferedOutputStream(Channels.newOutputStream(file), BUFFER);
            memory.writeTo(out);
            memory = new ByteArrayOutputStream(0);
        }
        if (out == null) {
            memory.write(bytes, offset, length);
        } else {
            out.write(bytes, offset, length);
        }
    }

    /** A file that the system takes away once nobody has it open, even if the process is killed. */
    private static FileChannel temporary() throws IOException {
        return FileChannel.open(
                Files.createTempFile("tidemill-answer", ".json"),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
    }

    /** Writes everything and closes the spool. */
    public void drainTo(OutputStream target) throws IOException {
        try (this) {
            if (out != null && file != null) {
                out.flush();
                file.position(0);
                Channels.newInputStream(file).transferTo(target);
            } else {
                memory.writeTo(target);
            }
        }
    }

    @Override
    public void close() throws IOException {
        if (file != null) {
            file.close();
        }
    }
}
