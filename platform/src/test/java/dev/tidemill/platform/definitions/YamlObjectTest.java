package dev.tidemill.platform.definitions;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
}
