package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.ExternalFiles;
import dev.tidemill.artifacts.filesystem.ConfinedFolderFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfinedFolderFilesTest extends ExternalFilesContract {
    @TempDir
    Path folder;

    @Override
    ExternalFiles files() {
        return new ConfinedFolderFiles(folder);
    }

    @Override
    void write(String path, String content) throws IOException {
        Path file = folder.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    @Test
    void linksThatLeadOutAreNotThere(@TempDir Path elsewhere) throws IOException {
        Files.writeString(elsewhere.resolve("secret"), "secret");
        write("run/a.txt", "a");
        Files.createSymbolicLink(folder.resolve("run/file"), elsewhere.resolve("secret"));
        Files.createSymbolicLink(folder.resolve("run/folder"), elsewhere);

        assertThat(files().list("run")).extracting("name").containsExactly("a.txt");
        assertThat(files().size("run/file")).isEmpty();
        assertThat(files().size("run/folder/secret")).isEmpty();
        assertThat(files().below("run")).containsOnlyKeys("a.txt");
        files().delete("run");
        assertThat(elsewhere.resolve("secret")).exists();
    }
}
