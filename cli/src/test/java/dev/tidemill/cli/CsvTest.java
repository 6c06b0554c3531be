package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CsvTest {
    private static List<Map<String, String>> read(String text) throws IOException {
        return Csv.read(new BufferedReader(new StringReader(text)), "rows.csv");
    }

    @Test
    void rowsAreReadAsTheServersImportReadsThem() throws IOException {
        assertThat(read("\uFEFFn, a\r\n1,\"x, \"\"y\"\"\"\r\n\r\n2,5\" pipe\n3, \"q\"\n"))
                .containsExactly(
                        Map.of("n", "1", "a", "x, \"y\""),
                        Map.of("n", "2", "a", "5\" pipe"),
                        Map.of("n", "3", "a", "q"));
    }

    @Test
    void whatHasNotTheShapeOfItsHeaderIsRefused() {
        assertThatThrownBy(() -> read("n,a\n1,2\n1,2,3\n")).hasMessage("rows.csv, row 3 has 3 fields, the header 2");
        assertThatThrownBy(() -> read("n,a,N\n1,2,3\n")).hasMessage("rows.csv has two columns of the name 'N'");
    }

    /** A number that no double holds is none to round: the server refuses what the model's type cannot hold. */
    @Test
    void numbersGoAsTheyAreWritten() {
        Map<String, String> sent = Map.of(
                "1e999",
                "1E+999",
                "-1e400",
                "-1E+400",
                "9007199255128919",
                "9007199255128919",
                "2.50",
                "2.50",
                "x",
                "\"x\"",
                "",
                "null",
                "1d",
                "\"1d\"",
                "yes",
                "\"yes\"");
        sent.forEach((text, json) -> {
            var row = Api.object();
            PredictCommand.put(row, "v", text, "FP64");
            assertThat(row.toString()).isEqualTo("{\"v\":" + json + "}");
        });
        var row = Api.object();
        PredictCommand.put(row, "v", "Yes", "BOOL");
        PredictCommand.put(row, "w", "007", "BYTES");
        assertThat(row.toString()).isEqualTo("{\"v\":true,\"w\":\"007\"}");
    }
}
