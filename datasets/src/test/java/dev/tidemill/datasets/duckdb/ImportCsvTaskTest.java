package dev.tidemill.datasets.duckdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.ColumnType;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.SilentReport;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportCsvTaskTest {
    private static final ChildTask.Report NOBODY = new SilentReport();

    @TempDir
    private Path folder;

    private List<JsonNode> imported(String csv, Column... columns) throws Exception {
        return imported(csv, Optional.empty(), columns);
    }

    private List<JsonNode> imported(String csv, Optional<String> mapping, Column... columns) throws Exception {
        Path file = Files.write(folder.resolve("t.csv"), csv.getBytes(StandardCharsets.UTF_8));
        Path target = folder.resolve("t.parquet");
        Files.deleteIfExists(target);
        ObjectNode request = Json.object().put("csv", file.toString()).put("target", target.toString());
        request.set(
                "dataSet",
                Json.tree(new DataSet(
                        Optional.of(new DataSet.Source("t.csv", "0", mapping, Optional.empty())),
                        List.of(columns),
                        List.of(),
                        Optional.empty())));
        new ImportCsvTask().run(request, NOBODY);
        try (var db = new DuckDb()) {
            return new ArrayList<>(db.rows("SELECT * FROM read_parquet(" + DuckDb.literal(target.toString()) + ")"));
        }
    }

    private void refused(String csv, String why, Column... columns) {
        assertThatThrownBy(() -> imported(csv, columns))
                .as(csv)
                .isInstanceOf(TidemillException.class)
                .extracting(failure -> ((TidemillException) failure).messageAndRemedy())
                .asString()
                .contains(why)
                .doesNotContain("Sniff")
                .doesNotContain("?.");
    }

    private static Column column(String name, ColumnType type) {
        return Column.of(name, type);
    }

    @Test
    void aValueThatItsTypeCannotHoldIsRefusedWithRowAndColumn() {
        refused(
                "a,v\nx,\ny,2.5\n",
                "t.csv, row 3: '2.5' in column 'v' is not of type long",
                column("v", ColumnType.LONG));
        refused("a,v\nx,1e999\n", "row 2: '1e999' in column 'v' is not of type double", column("v", ColumnType.DOUBLE));
        refused(
                "v\n2026-01-31T09:30:00.123456789Z\n",
                "row 2: '2026-01-31T09:30:00.123456789Z' in column 'v' is not of type timestamp",
                column("v", ColumnType.TIMESTAMP));
        refused(
                "v\n2026-10-25 02:30 Europe/Berlin\n",
                "row 2: '2026-10-25 02:30 Europe/Berlin' in column 'v' is shown twice by the clocks of its zone",
                column("v", ColumnType.TIMESTAMP));
    }

    @Test
    void whatIsNoNumberIsMissing() throws Exception {
        List<JsonNode> rows = imported("a,v\nx,NaN\ny,1.5\nz, nan\n", column("v", ColumnType.DOUBLE));
        assertThat(rows).extracting(row -> row.path("v").isNumber()).containsExactly(false, true, false);
        assertThat(imported("v\n-nan\n+nan\nnan(1)\n", column("v", ColumnType.DOUBLE)))
                .extracting(row -> row.path("v").isNull() || row.path("v").isMissingNode())
                .containsExactly(true, true, true);
        Column mapped = column("v", ColumnType.DOUBLE);
        assertThat(imported("v\n1\n", Optional.of("SELECT -CAST('nan' AS DOUBLE) AS v FROM source"), mapped))
                .extracting(row -> row.path("v").isNull() || row.path("v").isMissingNode())
                .containsExactly(true);
        var required = new Column("v", ColumnType.DOUBLE, true, Optional.empty(), Optional.empty(), List.of());
        for (String nan : List.of("nan", "-nan", "+nan", "nan(1)")) {
            refused("a,v\nx," + nan + "\n", "'v' is missing", required);
        }
    }

    @Test
    void whatAMappingGivesIsHeldToTheTypeAsWell() throws Exception {
        Column n = column("n", ColumnType.LONG);
        assertThat(imported("n\n4\n", Optional.of("SELECT CAST(n AS DOUBLE) / 2 AS n FROM source"), n)
                        .getFirst()
                        .path("n")
                        .asLong())
                .isEqualTo(2);
        assertThatThrownBy(() -> imported("n\n5\n", Optional.of("SELECT CAST(n AS DOUBLE) / 2 AS n FROM source"), n))
                .hasMessageContaining("row 2: '2.5' in column 'n' is not of type long");
    }

    @Test
    void roundingHidesNoValueFromARule() {
        var rule = new Column("n", ColumnType.LONG, false, Optional.of(BigDecimal.ONE), Optional.empty(), List.of());
        refused("n,a\n0.6,1\n", "row 2: '0.6' in column 'n' is not of type long", rule);
    }

    @Test
    void theFirstLineIsTheHeader() {
        Column n = column("n", ColumnType.LONG);
        refused("My export\nn,a\n1,2\n", "t.csv, row 2 has 2 fields, the header 1", n);
        refused("\nn,a\n1,2\n", "the first line is empty", n);
        refused("n,a\n1,2,3\n", "t.csv, row 2 has 3 fields, the header 2", n);
        refused("n,a\n1,2\n\n1\n", "t.csv, row 3 has 1 field, the header 2", n);
        refused("n,N\n1,2\n", "'n' and 'N', which differ in case only, are the names of the columns 1 and 2", n);
        refused("n,a,n\n1,2,3\n", "'n' is the name of the columns 1 and 3", n);
        refused("1,2\n3,4\n", "t.csv has no column 'n'. It has: 1, 2", n);
        refused("t,a\n3,4\n", "t.csv has no column 'n'. It has: t, a", n);
        refused(
                "n;a\n3;4\n",
                "It has: n;a. Its columns seem to be separated by ';'; columns are separated by commas",
                n);
        refused(
                "Number,a\n3,4\n",
                "has no column 'number'; did you mean 'Number'? It has",
                column("number", ColumnType.LONG));
        refused("n,a\n1,\"2\n", "row 2: a quote is opened in field 2 and never closed", n);
        refused("n,a\n1,\"2\"3\n", "row 2, field 2: text follows the quote", n);
        refused("", "t.csv is empty", n);
        refused("n,a\n\n", "has a header but no rows", n);
    }

    @Test
    void aFileIsReadAsItIsWritten() throws Exception {
        Column a = column("a", ColumnType.TEXT);
        Column n = column("n", ColumnType.LONG);
        List<JsonNode> rows =
                imported("\uFEFFn, a \r\n1,\"x, \"\"y\"\"\r\nz\"\r\n\r\n2,5\" pipe\r3, \"q\" \n4,\"\"\n5,  é\t", n, a);
        assertThat(rows).extracting(row -> row.path("n").asLong()).containsExactly(1L, 2L, 3L, 4L, 5L);
        assertThat(rows)
                .extracting(row -> row.path("a").textValue())
                .containsExactly("x, \"y\"\r\nz", "5\" pipe", "q", null, "  é\t");
        assertThat(imported(",n\n0,7\n", n).getFirst().path("n").asLong()).isEqualTo(7);
        assertThat(imported("n\n7\n\n8", n)).hasSize(3);
    }

    @Test
    void aPackedFileThatIsCutShortIsRefused() throws Exception {
        var packed = new java.io.ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            for (int i = 0; i < 10_000; i++) {
                out.write((i + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
        Path file = Files.write(
                folder.resolve("cut.csv.gz"), java.util.Arrays.copyOf(packed.toByteArray(), packed.size() / 2));
        ObjectNode request = Json.object()
                .put("csv", file.toString())
                .put("target", folder.resolve("t.parquet").toString());
        request.set("dataSet", Json.tree(dataSet("cut.csv.gz")));
        assertThatThrownBy(() -> new ImportCsvTask().run(request, NOBODY))
                .hasMessageContaining("cut.csv.gz is damaged");
    }

    private static DataSet dataSet(String file) {
        return new DataSet(
                Optional.of(new DataSet.Source(file, "0", Optional.empty(), Optional.empty())),
                List.of(column("n", ColumnType.LONG)),
                List.of(),
                Optional.empty());
    }

    /** What a table of zeros unfolds to ends before the disk is full. */
    @Test
    void aFileThatUnfoldsWithoutMeasureIsRefused() throws Exception {
        Path packed = folder.resolve("bomb.csv.gz");
        try (var out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            out.write("n\n".getBytes(StandardCharsets.UTF_8));
            byte[] zeros = "0\n".repeat(1 << 19).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 300; i++) {
                out.write(zeros);
            }
        }
        ObjectNode request = Json.object()
                .put("csv", packed.toString())
                .put("target", folder.resolve("t.parquet").toString());
        request.set("dataSet", Json.tree(dataSet("bomb.csv.gz")));
        assertThatThrownBy(() -> new ImportCsvTask().run(request, NOBODY)).hasMessageContaining("unfolds to more than");
    }

    @Test
    void whatDoesNotFitIntoMemoryIsPutBesideTheOtherTemporaryFiles() throws Exception {
        try (var db = new DuckDb()) {
            assertThat(db.rows("SELECT current_setting('temp_directory') AS folder")
                            .getFirst()
                            .path("folder")
                            .asText())
                    .startsWith(System.getProperty("java.io.tmpdir"));
        }
    }

    private static Column ruled(ColumnType type, @Nullable Double least, @Nullable Double most, String... values) {
        return ruled(
                type,
                least == null ? null : BigDecimal.valueOf(least),
                most == null ? null : BigDecimal.valueOf(most),
                values);
    }

    private static Column ruled(
            ColumnType type, @Nullable BigDecimal least, @Nullable BigDecimal most, String... values) {
        return new Column("v", type, false, Optional.ofNullable(least), Optional.ofNullable(most), List.of(values));
    }

    private static Column within(ColumnType type, String least, String most) {
        return ruled(type, new BigDecimal(least), new BigDecimal(most));
    }

    /** A double tells no two whole numbers beyond 2^53 apart, and a decimal limit is no double. */
    @Test
    void limitsOfWholeNumbersAreExact() throws Exception {
        String big = "9007199254740993";
        refused(
                "a,v\nx," + big + "\n",
                "'v' is above 9007199254740992 (row 2: '" + big + "')",
                within(ColumnType.LONG, "0", "9007199254740992"));
        refused(
                "a,v\nx,9223372036854775807\n",
                "'v' is above 9223372036854775806",
                within(ColumnType.LONG, "0", "9223372036854775806"));
        refused(
                "a,v\nx," + big + "\n",
                "'v' is below 9007199254740994",
                within(ColumnType.LONG, "9007199254740994", "1e300"));
        refused("a,v\nx,3\n", "'v' is above 2.5", within(ColumnType.LONG, "1", "2.5"));
        refused("a,v\nx,2\n", "'v' is below 2.5", within(ColumnType.LONG, "2.5", "9"));
        refused("a,v\nx,2\n", "'v' is above -1E+300", within(ColumnType.LONG, "-2e300", "-1e300"));
        assertThat(imported("v\n" + big + "\n3\n", within(ColumnType.LONG, "2.5", big)))
                .hasSize(2);
        assertThat(imported("v\n-9223372036854775808\n", within(ColumnType.LONG, "-9223372036854775808", "1e300")))
                .hasSize(1);
        // Of doubles a limit is the nearest one, as the values are.
        assertThat(imported("v\n0.1\n0.3\n", within(ColumnType.DOUBLE, "0.1", "0.3")))
                .hasSize(2);
    }

    @Test
    void theFirstRowsThatBreakARuleAreNamedWithTheirValues() {
        refused(
                "a,v\nx,1\ny,-1.5\nz,2\nx,-2\nx,-3\nx,-4\n",
                "in 4 rows 'v' is below 0 (row 3: '-1.5'; row 5: '-2.0'; row 6: '-3.0'; ...)",
                ruled(ColumnType.DOUBLE, 0.0, null));
        refused("a,v\nx,7\n", "in 1 row 'v' is above 5 (row 2: '7')", ruled(ColumnType.LONG, null, 5.0));
        refused(
                "a,v\nx,1\ny,9\n",
                "'v' is none of [1, 2] (row 3: '9')",
                ruled(ColumnType.LONG, (Double) null, null, "1", "2"));
        refused(
                "a,v\nx,1\ny,\n",
                "in 1 row 'v' is missing (row 3)",
                new Column("v", ColumnType.DOUBLE, true, Optional.empty(), Optional.empty(), List.of()));
    }

    @Test
    void theFirstRowsThatRepeatAKeyAreNamed() throws Exception {
        Path file = Files.writeString(folder.resolve("t.csv"), "id,day\n1,a\n2,a\n1,a\n,b\n,b\n2,b\n");
        ObjectNode request = Json.object()
                .put("csv", file.toString())
                .put("target", folder.resolve("t.parquet").toString());
        request.set(
                "dataSet",
                Json.tree(new DataSet(
                        Optional.of(new DataSet.Source("t.csv", "0", Optional.empty(), Optional.empty())),
                        List.of(column("id", ColumnType.LONG), column("day", ColumnType.TEXT)),
                        List.of("id", "day"),
                        Optional.empty())));
        assertThatThrownBy(() -> new ImportCsvTask().run(request, NOBODY))
                .hasMessageContaining(
                        "2 rows repeat the key [id, day] (row 4: '1', 'a' as row 2; row 6: nothing, 'b' as row 5)");
    }

    @Test
    void aRuleThatSaysNothingAboutItsTypeIsNoFaultOfTheDatabase() {
        refused("v\nx\n", "a column of type text has no 'min'", ruled(ColumnType.TEXT, 4.0, null));
        refused(
                "v\n1\n",
                "'a' is no value that a column of type double",
                ruled(ColumnType.DOUBLE, (Double) null, null, "a"));
    }
}
