package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.testkit.Await;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpoolTest {
    private static List<Path> files() {
        try (var files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("tidemill-answer"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void whatWasWrittenIsReadAgainAndNoFileIsThereEvenMeanwhile() throws IOException {
        List<Path> before = files();
        for (int size : new int[] {0, 1000, 1 << 20, (1 << 20) + 1, 5 << 20}) {
            byte[] bytes = new byte[size];
            new Random(size).nextBytes(bytes);
            var spool = new Spool();
            for (int at = 0; at < size; at += 1000) {
                spool.write(bytes, at, Math.min(1000, size - at));
            }
            // Nothing is left to clean up where the process is killed here; tests of other processes have files for a
            // moment.
            Await.until("no file for " + size + " bytes", () -> before.containsAll(files()));
            var read = new ByteArrayOutputStream();
            spool.drainTo(read);
            assertThat(Arrays.equals(read.toByteArray(), bytes))
                    .as("%s bytes", size)
                    .isTrue();
        }
    }
}
