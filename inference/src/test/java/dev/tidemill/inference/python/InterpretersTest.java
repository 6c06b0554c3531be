package dev.tidemill.inference.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Scripts in the place of interpreters tell when they are run. */
class InterpretersTest {
    @TempDir
    private Path folder;

    private Path library;

    @BeforeEach
    void start() throws IOException {
        library = Files.createDirectories(folder.resolve("python/lib")).toRealPath();
    }

    private Path script(String path, String text) throws IOException {
        Path script = folder.resolve(path);
        Files.createDirectories(script.getParent());
        Files.writeString(script, "#!/bin/sh\n" + text + "\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        return script;
    }

    @Test
    void whatWasBuiltForAModelIsNeverRun() throws IOException {
        Path asked = folder.resolve("asked");
        Path maker = script("python/bin/python", "echo once >> " + asked + "; echo " + library);
        Path run = folder.resolve("run");
        script("environments/a/bin/python", "touch " + run + "; echo /");
        // It is the requirements' own what lies in it, even where it leads.
        Files.createSymbolicLink(folder.resolve("environments/a/lib64"), folder);
        var interpreters = new Interpreters(maker);
        Path environment = folder.resolve("environments/a");
        assertThat(interpreters.ofBuilt(environment)).containsExactly(environment, library);
        assertThat(interpreters.ofBuilt(folder.resolve("environments/b")))
                .containsExactly(folder.resolve("environments/b"), library);
        assertThat(run).doesNotExist();
        assertThat(asked).hasContent("once");
    }

    @Test
    void anInterpreterThatDoesNotEndIsEnded() throws IOException {
        Path hanging = script("python/bin/hanging", "echo " + library + "; sleep 600");
        var interpreters = new Interpreters(hanging, Duration.ofSeconds(1));
        assertThatThrownBy(() -> interpreters.ofOperator(hanging))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("hanging does not tell where its library is within 1 s");
    }

    @Test
    @Timeout(20)
    void oneThatLeavesAProcessBehindIsNotWaitedFor() throws IOException {
        Path leaving = script("python/bin/leaving", "sleep 60 & echo " + library);
        assertThat(new Interpreters(leaving).ofOperator(leaving)).containsExactly(library);
    }
}
