package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command that talks to a server says in a line or two that none is there. */
class UnreachableServerTest {
    @TempDir
    private Path work;

    @Test
    void everyCommandSaysThatNoServerAnswers() throws IOException {
        Path rows = Files.writeString(work.resolve("rows.csv"), "id,at,y\n1,2024-01-01T00:00:00Z,1\n");
        Path folder = Files.createDirectories(work.resolve("mlruns"));
        String dead = dead();
        for (List<String> command : List.of(
                List.of("import", dead),
                List.of("import", dead, "--dry-run"),
                List.of("import", folder.toString(), "--server", dead),
                List.of("export", work.resolve("out").toString(), "--server", dead),
                List.of("status", "--server", dead),
                List.of("why", "d", "--server", dead),
                List.of("logs", "0123456789", "--server", dead),
                List.of("models", "list", "--server", dead),
                List.of("models", "download", "m", "1", "--server", dead),
                List.of("artifacts", "download", "0", "--server", dead),
                List.of("runs", "list", "--server", dead),
                List.of("events", "list", "--server", dead),
                List.of("projects", "list", "--server", dead),
                List.of("backup", work.resolve("b.zip").toString(), "--server", dead),
                List.of(
                        "replay",
                        rows.toString(),
                        "--server",
                        dead,
                        "--deployment",
                        "d",
                        "--view",
                        "v",
                        "--label",
                        "y",
                        "--from",
                        "2024-01-01T00:00:00Z",
                        "--patience",
                        "PT0.1S"))) {
            String told = told(command);
            assertThat(told).as(String.join(" ", command)).contains("no server answers there");
            assertThat(told).as(String.join(" ", command)).doesNotContain("\tat ");
        }
    }

    private static String dead() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return "http://127.0.0.1:" + socket.getLocalPort();
        }
    }

    private static String told(List<String> command) {
        var error = new ByteArrayOutputStream();
        PrintStream before = System.err;
        try (var captured = new PrintStream(error, true, StandardCharsets.UTF_8)) {
            System.setErr(captured);
            TidemillCommand.commandLine()
                    .setErr(new java.io.PrintWriter(captured, true))
                    .execute(command.toArray(String[]::new));
        } finally {
            System.setErr(before);
        }
        return error.toString(StandardCharsets.UTF_8);
    }
}
