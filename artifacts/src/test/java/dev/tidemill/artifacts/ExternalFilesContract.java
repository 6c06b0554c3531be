package dev.tidemill.artifacts;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.ExternalFiles;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What every place outside the own store does. */
abstract class ExternalFilesContract {
    abstract ExternalFiles files();

    /** Puts a file there as a client does, without our code. */
    abstract void write(String path, String content) throws Exception;

    @Test
    void aFolderListsItsFilesAndFoldersByName() throws Exception {
        write("1/run/model/MLmodel", "flavors");
        write("1/run/model/data/model.ubj", "12345");
        write("1/run/plot.png", "png");

        assertThat(files().list("1/run"))
                .containsExactly(new FileStore.Entry("model", true, 0), new FileStore.Entry("plot.png", false, 3));
        assertThat(files().list("1/run/model"))
                .containsExactly(new FileStore.Entry("MLmodel", false, 7), new FileStore.Entry("data", true, 0));
        assertThat(files().list("1/ru")).isEmpty();
        assertThat(files().list("nowhere")).isEmpty();
    }

    @Test
    void aFileIsReadWhole() throws Exception {
        write("2/run/naïve name.txt", "text");

        assertThat(files().size("2/run/naïve name.txt")).hasValue(4);
        try (var content = files().open("2/run/naïve name.txt")) {
            assertThat(content.readAllBytes()).isEqualTo("text".getBytes(UTF_8));
        }
        assertThat(files().size("2/run")).isEmpty();
        assertThat(files().size("2/run/other")).isEmpty();
        assertThatThrownBy(() -> files().open("2/run/other")).isInstanceOf(TidemillException.class);
    }

    @Test
    void everythingBelowAFolderIsFound() throws Exception {
        write("3/run/a.txt", "a");
        write("3/run/b/c.txt", "bc");
        write("3/runner.txt", "not below");

        assertThat(files().below("3/run")).isEqualTo(Map.of("a.txt", 1L, "b/c.txt", 2L));
        assertThat(files().below("3/none")).isEmpty();
    }

    @Test
    void aFolderIsRemovedWithAllInItAndNothingElse() throws Exception {
        write("4/run/a.txt", "a");
        write("4/run/b/c.txt", "bc");
        write("4/runner.txt", "stays");

        assertThat(files().delete("4/run")).isEqualTo(2);
        assertThat(files().delete("4/run")).isZero();
        assertThat(files().delete("")).isZero();
        assertThat(files().list("4")).containsExactly(new FileStore.Entry("runner.txt", false, 5));
    }
}
