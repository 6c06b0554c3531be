package dev.tidemill.inference.mlflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.registry.domain.ModelDescription;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputExampleTest {
    @TempDir
    Path directory;

    private List<Tensor> read(String example) {
        var blobs = new FolderBlobStore(directory.resolve("blobs"));
        Folder folder =
                Folder.store(blobs, Map.of("serving_input_example.json", example.getBytes(StandardCharsets.UTF_8)));
        return new InputExample()
                .of(new ModelFolder(
                        new ServedVersion("default", "m", 1, folder.digest(), false),
                        new ModelDescription(Map.of(), Optional.empty()),
                        folder,
                        blobs))
                .orElseThrow();
    }

    /** MLflow writes them with Python's own JSON. */
    @Test
    void numbersThatJsonHasNoWordForAreRead() {
        Tensor column =
                read("{\"dataframe_split\":{\"columns\":[\"x\"],\"data\":[[NaN],[1.5],[Infinity],[-Infinity]]}}")
                        .getFirst();
        assertThat(column.value(0)).isNull();
        assertThat(column.number(1)).isEqualTo(1.5);
        assertThat(column.number(2)).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(column.number(3)).isEqualTo(Double.NEGATIVE_INFINITY);
        Tensor matrix = read("{\"inputs\":[[1.0,NaN]]}").getFirst();
        assertThat(matrix.number(1)).isNaN();
        assertThat(read("{\"inputs\":{\"x\":[NaN,2]}}").getFirst().value(0)).isNull();
    }
}
