package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Locations mean what MLflow makes of them: what it has written is found, however they are written. */
class LocalFilesTest {
    @TempDir
    Path directory;

    private Path file(String folder) throws IOException {
        Path made = Files.createDirectories(directory.resolve(folder));
        return Files.writeString(made.resolve("model.txt"), folder);
    }

    private List<String> found(LocalFiles local, String uri) throws IOException {
        return local.files(uri).stream().map(ImportSource.ArtifactFile::path).toList();
    }

    @Test
    void percentSignsAreDecodedAsMlflowDoes() throws IOException {
        var local = LocalFiles.named(List.of(directory));
        file("a b/1/r/artifacts");
        file("100%/1/r/artifacts");
        file("c%41/1/r/artifacts");
        file("50%zz/1/r/artifacts");
        file("ümlaut/1/r/artifacts");
        for (String uri : List.of(
                "file://" + directory + "/a%20b/1/r/artifacts",
                "file:" + directory + "/a%20b/1/r/artifacts",
                "file://localhost" + directory + "/a b/1/r/artifacts",
                directory + "/a%20b/1/r/artifacts",
                directory + "/a b/1/r/artifacts",
                "file://" + directory + "/100%25/1/r/artifacts",
                directory + "/100%25/1/r/artifacts",
                directory + "/100%/1/r/artifacts",
                "file://" + directory + "/c%2541/1/r/artifacts",
                // The folder of that very name, since there is none of the decoded.
                directory + "/c%41/1/r/artifacts",
                "file://" + directory + "/50%zz/1/r/artifacts",
                "file://" + directory + "/%C3%BCmlaut/1/r/artifacts")) {
            assertThat(found(local, uri)).as(uri).containsExactly("model.txt");
        }
        assertThat(local.leftBehind()).isEmpty();
    }

    @Test
    void whatAServerKeptIsFoundInItsFolderAndNowhereElse() throws IOException {
        file("kept/a b/r/artifacts");
        file("other/r/artifacts");
        var local = LocalFiles.named(List.of(directory.resolve("kept")));
        for (String uri : List.of(
                "mlflow-artifacts:/a%20b/r/artifacts",
                "mlflow-artifacts:/a b/r/artifacts", "mlflow-artifacts://host:5000/a%20b/r/artifacts")) {
            assertThat(found(local, uri)).as(uri).containsExactly("model.txt");
        }
        for (String uri :
                List.of("mlflow-artifacts:/../other/r/artifacts", "mlflow-artifacts:/%2e%2e/other/r/artifacts")) {
            assertThat(local.folder(uri)).as(uri).isEmpty();
        }
    }

    /** A run without files has no folder; an experiment of another machine has none either, which is told. */
    @Test
    void experimentsWhoseFolderIsNotHereAreTold() throws IOException {
        var local = LocalFiles.named(List.of(directory));
        file("1/r/artifacts");
        assertThat(found(local, directory + "/1/none/artifacts")).isEmpty();
        assertThat(local.leftBehind()).isEmpty();
        for (String run : List.of("r", "s")) {
            assertThat(found(local, "/home/somebody/mlruns/7/" + run + "/artifacts"))
                    .isEmpty();
        }
        assertThat(local.leftBehind())
                .containsExactly(
                        "There is no folder /home/somebody/mlruns/7 here: files of its runs, if they had any, are not"
                                + " taken along");
    }
}
