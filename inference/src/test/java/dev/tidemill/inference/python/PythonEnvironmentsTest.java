package dev.tidemill.inference.python;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.inference.domain.InPreparation;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.MovableClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Builds by the real installer, whose interpreter is a script: it does what a requirement's name says. */
class PythonEnvironmentsTest {
    private static final String INTERPRETER = """
            #!/bin/sh
            last() { for one; do :; done; echo "$one"; }
            case "$*" in
              "-I -c "*) echo /usr ;;
              "-m venv "*) place=$(last "$@"); mkdir -p "$place/bin" && cp "$0" "$place/bin/python" ;;
              *"--dry-run"*)
                while [ "$1" != --report ]; do shift; done
                name=$(head -n 1 "$(last "$@")" | cut -d= -f1)
                printf '{"install":[{"metadata":{"name":"%s","version":"1"},"download_info":{"archive_info":{"hashes":{"sha256":"00"}}}}]}' \\
                    "$name" > "$2" ;;
              *"--python "*)
                echo "$(head -n 1 "$(last "$@")")" >> FOLDER/installed
                case "$(cat "$(last "$@")")" in
                  hang*) sleep 600 & echo $! >> FOLDER/hanging; wait ;;
                  broken*) echo "No matching distribution found for broken"; exit 1 ;;
                esac ;;
            esac
            """;

    @TempDir
    private Path folder;

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-27T08:00:00Z"));
    private BlobStore blobs;
    private PythonEnvironments environments;

    /** Each build is half a dozen processes, which take as long as the machine is busy. */
    @BeforeEach
    void start() throws IOException {
        start(Duration.ofSeconds(60));
    }

    private void start(Duration moment) throws IOException {
        folder = folder.toRealPath();
        blobs = new FolderBlobStore(folder.resolve("blobs"));
        Path interpreter = folder.resolve("interpreter");
        Files.writeString(interpreter, INTERPRETER.replace("FOLDER", folder.toString()));
        assertThat(interpreter.toFile().setExecutable(true)).isTrue();
        // Any environment is more than may be kept.
        var settings = new PythonSettings(
                interpreter.toString(),
                Optional.empty(),
                folder.resolve("python"),
                1,
                100,
                Duration.ofSeconds(5),
                PythonSettings.Isolate.OFF,
                0,
                Duration.ZERO);
        var interpreters = new Interpreters(interpreter);
        environments = new PythonEnvironments(
                settings,
                new Installer(settings, Isolation.choose(settings), interpreters),
                interpreters,
                clock,
                moment);
    }

    /** For tests of builds that hang: nobody waits for them. */
    private void waitBriefly() throws IOException {
        environments.close();
        start(Duration.ofSeconds(1));
    }

    @AfterEach
    void stop() {
        environments.close();
    }

    private ModelFolder model(String project, String requirement) {
        Folder files = Folder.store(
                blobs, Map.of("requirements.txt", (requirement + "==1\n").getBytes(StandardCharsets.UTF_8)));
        return new ModelFolder(
                new ServedVersion(project, "m", 1, files.digest(), false),
                new ModelDescription(Map.of(), Optional.empty()),
                files,
                blobs);
    }

    private Optional<PythonEnvironments.Lease> lease(String project, String requirement) {
        try {
            return Optional.of(environments.lease(model(project, requirement), PythonForm.SAVED_MODEL));
        } catch (TidemillException e) {
            return Optional.empty();
        }
    }

    private List<String> lines(String file) throws IOException {
        Path path = folder.resolve(file);
        return Files.exists(path) ? Files.readAllLines(path) : List.of();
    }

    @Test
    void buildsOfAProjectHoldNobodyElses() throws IOException {
        waitBriefly();
        for (String one : List.of("hang-a", "hang-b", "hang-c")) {
            assertThat(lease("first", one)).isEmpty();
        }
        Await.until("the other project's environment is built", () -> {
            Optional<PythonEnvironments.Lease> built = lease("second", "quick");
            built.ifPresent(PythonEnvironments.Lease::close);
            return built.isPresent();
        });
        try (PythonEnvironments.Lease lease = lease("second", "quick").orElseThrow()) {
            assertThat(lease.interpreter()).exists();
            assertThat(lease.readable())
                    .contains(Path.of("/usr"))
                    .anyMatch(path -> lease.interpreter().startsWith(path));
        }
        assertThat(lines("hanging")).as("one project builds one at a time").hasSize(1);
        assertThat(environments.builds()).hasSize(3);
    }

    @Test
    void whatIsBeingBuiltEndsWithTheServer() throws IOException {
        waitBriefly();
        assertThatThrownBy(() -> environments.lease(model("first", "hang"), PythonForm.SAVED_MODEL))
                .as("nothing is wrong")
                .satisfies(
                        refusal -> assertThat(InPreparation.isCauseOf(refusal)).isTrue());
        Await.until("it installs", () -> Files.exists(folder.resolve("hanging")));
        long child = Long.parseLong(lines("hanging").getFirst());
        environments.close();
        Await.until("its processes are gone", () -> ProcessHandle.of(child).isEmpty());
        assertThat(environments.builds())
                .singleElement()
                .satisfies(build -> assertThat(build.failure()).isEqualTo("the server ended"));
        try (Stream<Path> left = Files.list(folder.resolve("python/environments"))) {
            assertThat(left.map(path -> path.getFileName().toString())).allMatch(name -> name.endsWith(".log"));
        }
    }

    @Test
    void oneThatIsMoreThanMayBeKeptIsBuiltOnceForThoseWhoUseIt() throws IOException {
        // Nobody waits for the first; others come when it is there.
        PythonEnvironments.Lease first = lease("first", "large").orElseThrow();
        PythonEnvironments.Lease second = lease("second", "large").orElseThrow();
        assertThat(second.interpreter()).isEqualTo(first.interpreter());
        assertThat(lines("installed")).containsExactly("large==1 --hash=sha256:00");
        first.close();
        assertThat(lease("third", "large")).isPresent();
        assertThat(lines("installed")).hasSize(1);
    }

    @Test
    void aBuildThatFailedLeavesItsLogAlone() throws IOException {
        assertThatThrownBy(() -> environments.lease(model("first", "broken"), PythonForm.SAVED_MODEL))
                .hasMessageContaining("No matching distribution found for broken")
                .satisfies(
                        refusal -> assertThat(InPreparation.isCauseOf(refusal)).isFalse());
        assertThat(lease("first", "broken")).isEmpty();
        assertThat(lines("installed")).as("remembered").hasSize(1);
        try (Stream<Path> left = Files.list(folder.resolve("python/environments"))) {
            assertThat(left.map(path -> path.getFileName().toString()))
                    .containsExactly(environments.builds().getFirst().id() + ".log");
        }
        clock.advance(Duration.ofMinutes(1));
        assertThat(lease("first", "broken")).isEmpty();
        assertThat(lines("installed")).hasSize(2);
    }
}
