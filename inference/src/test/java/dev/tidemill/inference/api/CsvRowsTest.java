package dev.tidemill.inference.api;

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
