package dev.tidemill.datasets.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ImportReferenceTest {
    private static DataSet dataSet(String least, String most) {
        return new DataSet(
                Optional.of(new DataSet.Source(
                        "rows.csv",
                        "ab12",
                        Optional.of("SELECT * FROM source"),
                        Optional.of(Instant.parse("2026-01-01T00:00:00Z")))),
                List.of(
                        new Column(
                                "count",
                                ColumnType.LONG,
                                true,
                                Optional.of(new BigDecimal(least)),
                                Optional.of(new BigDecimal(most)),
                                List.of()),
                        new Column(
                                "kind", ColumnType.TEXT, false, Optional.empty(), Optional.empty(), List.of("a", "b"))),
                List.of("count"),
                Optional.of("at"));
    }

    /** The text of which older servers kept a digest, with limits as doubles. */
    @Test
    void whatWasImportedByAnOlderServerIsNotImportedAgain() {
        assertThat(ImportReference.text(dataSet("0", "100")))
                .isEqualTo(
                        "DataSet[source=Optional[Source[path=rows.csv, blob=ab12, sql=Optional[SELECT * FROM source],"
                                + " until=Optional[2026-01-01T00:00:00Z]]], columns=[Column[name=count, type=LONG, required=true,"
                                + " least=Optional[0.0], most=Optional[100.0], values=[]], Column[name=kind, type=TEXT,"
                                + " required=false, least=Optional.empty, most=Optional.empty, values=[a, b]]], key=[count],"
                                + " time=Optional[at]]");
        assertThat(ImportReference.text(dataSet("0.1", "1e20"))).contains("Optional[0.1]", "Optional[1.0E20]");
    }

    @Test
    void limitsThatNoDoubleHoldsAreToldApart() {
        assertThat(ImportReference.of(dataSet("0", "9007199254740993")))
                .isNotEqualTo(ImportReference.of(dataSet("0", "9007199254740992")));
        assertThat(ImportReference.of(dataSet("0", "1e2"))).isEqualTo(ImportReference.of(dataSet("0.0", "100")));
    }
}
