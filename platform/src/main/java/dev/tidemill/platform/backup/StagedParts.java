package dev.tidemill.platform.backup;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;

/**
 * Parts of an archive in a compressed file, so that what they are read from is let go before anybody receives them. Written first,
 * then read. Not thread-safe.
 */
public final class StagedParts {
    /** Takes parts in the order in which they were written. */
    @FunctionalInterface
    public interface Target {
        void part(String name, byte[] content) throws IOException;
    }

    /** Writes them. */
    @FunctionalInterface
    public interface Source {
        void writeTo(Target target) throws IOException;
    }

    private final Path file;

    private StagedParts(Path file) {
        this.file = file;
    }

    /** Writes all parts that a source has to a new file, which is whole when this returns. */
    public static StagedParts write(Path file, Source source) throws IOException {
        var deflater = new Deflater(Deflater.BEST_SPEED);
        try (var out = new DataOutputStream(new BufferedOutputStream(
                new DeflaterOutputStream(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW), deflater)))) {
            source.writeTo((name, content) -> {
                out.writeBoolean(true);
                out.writeUTF(name);
                out.writeInt(content.length);
                out.write(content);
            });
            out.writeBoolean(false);
        } finally {
            deflater.end();
        }
        return new StagedParts(file);
    }

    public void readTo(Target target) throws IOException {
        try (var in =
                new DataInputStream(new BufferedInputStream(new InflaterInputStream(Files.newInputStream(file))))) {
            while (in.readBoolean()) {
                String name = in.readUTF();
                byte[] content = in.readNBytes(in.readInt());
                target.part(name, content);
            }
        }
    }
}
