package dev.tidemill.platform.children;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.config.FileTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildFoldersTest {
    @TempDir
    private Path parent;

    /** Another process, with a folder of its own. */
    static final class Other {
        private Other() {}

        public static void main(String[] arguments) throws IOException {
            System.out.println(new ChildFolders(Path.of(arguments[0])).create());
            System.out.flush();
            int unused = System.in.read();
        }
    }

    @Test
    void theFolderOfAProcessStaysWhileItLivesAndGoesWhenTheNextOneStarts() throws Exception {
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx32m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Other.class.getName(),
                        parent.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (var lines = other.inputReader()) {
            Path theirs = Path.of(String.valueOf(lines.readLine()));
            assertThat(theirs).isDirectory();
            var here = new ChildFolders(parent);
            Path ours = here.create();
            here.deleteLeftOvers();
            assertThat(theirs).as("it lives, whatever its number").isDirectory();
            other.destroyForcibly().waitFor();
            here.deleteLeftOvers();
            assertThat(theirs.getParent()).doesNotExist();
            assertThat(ours).isDirectory();
            assertThat(here.create()).isNotEqualTo(ours).hasParent(ours.getParent());
        } finally {
            other.destroyForcibly();
        }
    }

    @Test
    void aFolderThatIsBeingMadeStaysAndOneThatNobodyFinishedGoes() throws Exception {
        Path young = Files.createDirectory(parent.resolve("tidemill-children-1"));
        Path old = Files.createDirectory(parent.resolve("tidemill-children-2"));
        Path another = Files.createDirectory(parent.resolve("somebody-elses"));
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(1))));
        new ChildFolders(parent).deleteLeftOvers();
        assertThat(young).isDirectory();
        assertThat(old).doesNotExist();
        assertThat(another).isDirectory();
    }

    @Test
    void aTemporaryFolderThatIsGoneIsMadeAnew() throws Exception {
        Path temporary = Files.createDirectory(parent.resolve("temporary"));
        var folders = new ChildFolders(temporary);
        Path before = folders.create();
        FileTrees.delete(temporary);
        assertThat(folders.create()).isDirectory().isNotEqualTo(before);
    }

    @Test
    void aTidiedTemporaryFolderIsMadeAnew() throws Exception {
        var here = new ChildFolders(parent);
        here.delete(here.create().resolve("..").normalize());
        assertThat(here.create()).isDirectory();
    }
}
