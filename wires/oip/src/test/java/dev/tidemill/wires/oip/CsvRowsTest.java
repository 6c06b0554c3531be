package dev.tidemill.wires.oip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class CsvRowsTest {
    private static List<Tensor> read(String text) {
        return CsvRows.read(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void aColumnIsNumericIfAllThatIsThereIsANumber() {
        List<Tensor> columns = read("id,size,name\r\n1,2.5,\"a, \"\"b\"\"\"\r\n2,,7\r\n");
        assertThat(columns.get(0).datatype()).isEqualTo(Datatype.INT64);
        assertThat(columns.get(1).value(1)).isNull();
        assertThat(columns.get(2).datatype()).isEqualTo(Datatype.BYTES);
        assertThat(columns.get(2).text(0)).isEqualTo("a, \"b\"");
        assertThat(columns.get(2).text(1)).isEqualTo("7");
    }

    @Test
    void noRowIsDroppedBecauseItsValueIsMissing() {
        // What pandas.to_csv writes of NaN in a table of one column, with and without a last line break.
        for (String text : List.of("x\n1.5\n\"\"\n4.0\n", "x\r\n1.5\r\n\"\"\r\n4.0", "x\n1.5\n\n4.0\n")) {
            Tensor column = read(text).getFirst();
            assertThat(column.rows()).as(text).isEqualTo(3);
            assertThat(column.value(0)).isEqualTo(1.5);
            assertThat(column.value(1)).isNull();
            assertThat(column.value(2)).isEqualTo(4.0);
        }
        assertThat(read("x\n1.5\n\"\"").getFirst().rows()).isEqualTo(2);
        assertThat(read("picture\nAAEC\n\"\"\n").getFirst().rows()).isEqualTo(2);
        assertThat(read("a,b\n,\n\"\",\n").getFirst().rows()).isEqualTo(2);
    }

    @Test
    void theMarkOfASpreadsheetIsNoPartOfTheFirstName() {
        List<Tensor> columns = read("\uFEFFid,size\n1,2\n");
        assertThat(columns).extracting(Tensor::name).containsExactly("id", "size");
    }

    @Test
    void aBlankLineOfAWideTableIsSkipped() {
        assertThat(read("\na,b\n1,2\n\r\n3,4\n\n").getFirst().rows()).isEqualTo(2);
    }

    @Test
    void bytesThatAreNoTextAreRefused() {
        byte[] halfACharacter = {'x', '\n', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '\n'};
        assertThatThrownBy(() -> CsvRows.read(halfACharacter)).hasMessageContaining("not UTF-8");
        assertThatThrownBy(() -> CsvRows.read(new byte[] {'x', '\n', (byte) 0xE9, '\n'}))
                .hasMessageContaining("not UTF-8");
    }

    @Test
    void rowsThatDoNotFitAreNamed() {
        assertThatThrownBy(() -> read("a,b\n1\n")).hasMessageContaining("Row 1 has 1 values");
        assertThatThrownBy(() -> read("a,b\n")).hasMessageContaining("at least one row");
        assertThatThrownBy(() -> read("a\n\"x\n")).hasMessageContaining("does not end");
    }

    @Test
    void theNumbersOfTheRowsAsPandasWritesThemAreLeftOut() {
        List<Tensor> columns = read(",a,b\n0,1,x\n1,2,y\n");
        assertThat(columns.stream().map(Tensor::name)).containsExactly("a", "b");
        assertThatThrownBy(() -> read("a,\n1,2\n")).hasMessageContaining("A tensor has no name");
        assertThatThrownBy(() -> read("a,a\n1,2\n")).hasMessageContaining("two columns named 'a'");
    }
}
