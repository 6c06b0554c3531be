package dev.tidemill.platform.definitions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.math.BigDecimal;
import java.util.List;
import org.junit.jupiter.api.Test;

class YamlObjectTest {
    @Test
    void aKeyThatIsMissingIsSoughtAmongThoseThatNobodyKnows() {
        YamlObject misspelt = YamlObject.parse("rows.yaml", "kind: DataSet\ncolums: x\nother: y\n");
        misspelt.text("kind");
        assertThatThrownBy(() -> misspelt.text("columns"))
                .hasMessageContaining("unknown key 'colums'; did you mean 'columns', which is missing?")
                .hasMessageContaining("rows.yaml:2");
        YamlObject absent = YamlObject.parse("rows.yaml", "kind: DataSet\nother: y\n");
        absent.text("kind");
        assertThatThrownBy(() -> absent.text("columns")).hasMessageContaining("key 'columns' is missing");
    }

    @Test
    void aSecondDocumentInAFileIsRefusedWithItsPlace() {
        assertThatThrownBy(() -> YamlObject.parse("two.yaml", "kind: DataSet\nname: a\n---\nkind: DataSet\nname: b\n"))
                .hasMessageContaining("two.yaml:3:1: a second document begins here; a file holds one");
        YamlObject.parse("one.yaml", "---\nkind: DataSet\nname: a\n...\n");
    }

    @Test
    void aDecimalKeepsAllItsDigits() {
        assertThat(decimal("9007199254740993")).hasToString("9007199254740993");
        assertThat(decimal("-0.1")).hasToString("-0.1");
        assertThat(decimal("1e300")).isEqualByComparingTo("1e300");
        for (String text : List.of(
                "NaN", "Infinity", ".inf", "0x10", "1d", "a", "1e309", "1e-400", "1e999999999", "1e-999999999")) {
            assertThatThrownBy(() -> decimal(text))
                    .as(text)
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining("'" + text + "' is");
        }
    }

    private static BigDecimal decimal(String text) {
        return YamlObject.parse("d.yaml", "min: " + text).optionalDecimal("min").orElseThrow();
    }
}
