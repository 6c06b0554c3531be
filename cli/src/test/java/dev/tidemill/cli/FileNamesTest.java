package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of different names are never sent under the same one: those whose names are no texts are refused by name. */
class FileNamesTest {
    @TempDir
    private Path folder;

    private ScriptedServer server;

    @BeforeEach
    void start() throws IOException {
        server = new ScriptedServer((method, target, body) ->
                method.equals("GET") ? "{\"artifacts\":\"mlflow-artifacts:/1/r/artifacts\"}" : "{\"digest\":\"d\"}");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Path named(String bytes) throws IOException {
        Path file = Path.of(URI.create(folder.toUri() + bytes));
        Files.createDirectories(file.getParent());
        return Files.writeString(file, "content-of-" + bytes);
    }

    private ScriptedServer.Outcome run(String... command) {
        return ScriptedServer.run(command);
    }

    @Test
    void anUploadLeavesThemOutAndTakesTheRest() throws IOException {
        named("a%FE");
        named("a%FF");
        named("in%FE/f");
        named("good");
        named("a/b");
        named("a%5Cb");
        ScriptedServer.Outcome outcome =
                run("artifacts", "upload", "r", folder.toString(), "--server", server.address());
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.INCOMPLETE);
        assertThat(outcome.told()).contains("'a%FE'").contains("'a%FF'").contains("'in%FE/f'");
        assertThat(server.received())
                .anyMatch(request -> request.contains("/good ") && request.contains("content-of-good"))
                .anyMatch(request -> request.contains("/a/b content-of-a/b"))
                .anyMatch(request -> request.contains("/a%5Cb content-of-a%5Cb"))
                .noneMatch(request -> request.contains("content-of-a%F") || request.contains("content-of-in"));
    }

    @Test
    void aProjectIsRefusedWithTheName() throws IOException {
        Files.writeString(folder.resolve("project.yaml"), "kind: project\n");
        named("data/one%FE.csv");
        named("data/one%FF.csv");
        ScriptedServer.Outcome outcome = run("apply", "-f", folder.toString(), "--server", server.address());
        assertThat(outcome.exit()).as(outcome.told()).isEqualTo(Exit.FAILURE);
        assertThat(outcome.told()).contains("data/one%FE.csv").contains("rename it");
        assertThat(server.received()).isEmpty();
    }

    @Test
    void aProjectKeepsBackslashesInNames() throws IOException {
        named("data/one.csv");
        named("data%5Cone.csv");
        run("apply", "-f", folder.toString(), "--server", server.address());
        assertThat(server.received())
                .anyMatch(request -> request.contains("\"data/one.csv\"") && request.contains("\"data\\\\one.csv\""));
    }
}
