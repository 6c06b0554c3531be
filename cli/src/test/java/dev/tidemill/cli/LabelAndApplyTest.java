package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class LabelAndApplyTest {
    private static final Path FILE = Path.of("labels.csv");

    @Test
    void labelsAreInTheColumnLabelOrValue() {
        assertThat(DeploymentsCommand.labelColumn(FILE, Map.of("id", "1", "label", "a")))
                .isEqualTo("label");
        assertThat(DeploymentsCommand.labelColumn(FILE, Map.of("id", "1", "value", "a")))
                .isEqualTo("value");
        assertThatThrownBy(() -> DeploymentsCommand.labelColumn(FILE, new TreeMap<>(Map.of("id", "1", "truth", "a"))))
                .isInstanceOf(CliException.class)
                .hasMessageContaining("labels.csv must have the columns id and label")
                .hasMessageContaining("it has id, truth");
        assertThatThrownBy(() -> DeploymentsCommand.labelColumn(FILE, Map.of("id", "1", "label", "a", "value", "b")))
                .hasMessageContaining("not both");
    }

    @Test
    void aDryRunSaysWhatWouldBe() {
        assertThat(ApplyCommand.told("created", true)).isEqualTo("would create");
        assertThat(ApplyCommand.told("changed", true)).isEqualTo("would change");
        assertThat(ApplyCommand.told("unchanged", true)).isEqualTo("unchanged");
        assertThat(ApplyCommand.told("created", false)).isEqualTo("created");
    }
}
