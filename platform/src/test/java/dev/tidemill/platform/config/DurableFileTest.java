package dev.tidemill.platform.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DurableFileTest {
    @TempDir
    private Path folder;

    @Test
    void whatACrashHasLeftBesideItIsNotInTheWay() throws IOException {
        Path file = folder.resolve("mark");
        DurableFile.write(file, "one\n");
        Files.writeString(folder.resolve("mark.new"), "a part of something longer");
        DurableFile.write(file, "two\n");
        assertThat(DurableFile.read(file)).hasValue("two\n");
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        assertThat(folder).isDirectoryNotContaining("glob:**.new");
    }

    @Test
    void whatHoldsNothingIsNotThere() throws IOException {
        Path file = folder.resolve("mark");
        assertThat(DurableFile.read(file)).isEmpty();
        for (String left : new String[] {"", "\n", "\0\0\0", " \0\n"}) {
            Files.writeString(file, left);
            assertThat(DurableFile.read(file)).as("'%s'", left).isEmpty();
        }
        Files.write(file, new byte[] {(byte) 0xff, 0, 1});
        assertThat(DurableFile.read(file)).isPresent();
    }
}
