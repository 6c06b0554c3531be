package dev.tidemill.inference.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tidemill.testkit.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** What a child can write that nothing counts as its own: run with bubblewrap, as a user without powers. */
class BubblewrapTest {
    private static final IsolatedView VIEW = new IsolatedView(
            List.of("/usr"),
            Map.of("/bin", "usr/bin", "/lib", "usr/lib", "/lib64", "usr/lib64"),
            List.of(),
            Optional.of("/usr/share"),
            List.of(),
            List.of(),
            "/tmp",
            false);

    private static String run(String script) throws IOException, InterruptedException {
        var command = new ArrayList<>(List.<String>of());
        if ("root".equals(System.getProperty("user.name"))) {
            command.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"));
        }
        command.addAll(new Bubblewrap(true).wrap(List.of("/bin/sh", "-c", script), VIEW, 4, OptionalInt.empty()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .directory(Path.of("/").toFile())
                .start();
        String said = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        Await.until("the child ends", () -> !process.isAlive());
        return said;
    }

    private static void write(String path, boolean bounded) throws IOException, InterruptedException {
        String said = run("head -c 16000000 /dev/zero > " + path + "; wc -c < " + path);
        if (bounded) {
            assertThat(said).as(path).contains("No space left on device").contains("4194304");
        } else {
            assertThat(said).as(path).contains("cannot create");
        }
    }

    @Test
    void nothingThatAChildWritesTakesMemoryWithoutBound() throws IOException, InterruptedException {
        assumeTrue(
                Files.exists(Path.of("/usr/bin/bwrap")) && run("echo works").equals("works\n"),
                "bubblewrap works for a user without powers");
        write("/tmp/x", true);
        write("/dev/shm/x", true);
        for (String path : List.of("/x", "/dev/x", "/usr/x", "/dev/pts/x")) {
            write(path, false);
        }
        assertThat(run("head -c 1000000 /dev/zero > /usr/share/x; wc -c < /usr/share/x"))
                .as("a folder that is covered")
                .doesNotContain("1000000");
        assertThat(run("echo a > /dev/null && head -c 4 /dev/urandom | wc -c")).contains("4");
    }
}
