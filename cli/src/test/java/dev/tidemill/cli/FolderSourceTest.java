package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder that was written elsewhere, or under another name, is read where it lies now. */
class FolderSourceTest {
    private static final String RUN = "0123456789abcdef0123456789abcdef";

    @TempDir
    private Path temporary;

    private Path moved = Path.of("");
    private String before = "";

    @BeforeEach
    void move() throws IOException {
        Path written = temporary.resolve("first/out");
        for (String folder : List.of("7/" + RUN, "7/models/m-1", "7/traces/tr-1", "models/churn/version-2")) {
            Path artifacts = Files.createDirectories(written.resolve(folder).resolve("artifacts"));
            Files.writeString(artifacts.resolve("of.txt"), folder);
        }
        Files.writeString(written.resolve("models/churn/meta.yaml"), "name: churn\n");
        before = written.toUri().toString().replaceFirst("/$", "");
        Files.writeString(
                written.resolve("models/churn/version-2/meta.yaml"),
                "name: churn\nversion: 2\ncurrent_stage: None\nsource: mlflow-artifacts:/folders/" + "ab".repeat(32)
                        + "\nstorage_location: " + before + "/models/churn/version-2/artifacts\n");
        moved = temporary.resolve("second/taken");
        Files.createDirectories(moved.getParent());
        Files.move(written, moved);
    }

    private FolderSource source() throws IOException {
        return new FolderSource(moved, List.of(), new Omissions());
    }

    @Test
    void filesAreFoundWhereTheFolderLiesNow() throws IOException {
        for (String folder : List.of("7/" + RUN, "7/models/m-1", "7/traces/tr-1", "models/churn/version-2")) {
            List<ImportSource.ArtifactFile> files = source().files(before + "/" + folder + "/artifacts");
            assertThat(files).as(folder).hasSize(1);
            try (var content = files.getFirst().content().open()) {
                assertThat(content).hasContent(folder);
            }
        }
        assertThat(source().files("/elsewhere/8/none/artifacts")).isEmpty();
    }

    @Test
    void whatAVersionSaysOfItsStorageIsReadable() throws IOException {
        FolderSource source = source();
        String storage = source.storage(source.versions("churn").getFirst()).orElseThrow();
        assertThat(source.files(storage)).hasSize(1);
    }
}
