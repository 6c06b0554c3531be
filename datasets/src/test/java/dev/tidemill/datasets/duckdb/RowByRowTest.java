package dev.tidemill.datasets.duckdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.SilentReport;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RowByRowTest {
    private static final ChildTask.Report NOBODY = new SilentReport();

    private static ObjectNode request(String sql) {
        ObjectNode request = Json.object().put("sql", sql);
        for (var column : List.of(
                Map.entry("moment", "TIMESTAMP"),
                Map.entry("x", "DOUBLE"),
                Map.entry("y", "LONG"),
                Map.entry("note", "TEXT"),
                Map.entry("order", "LONG"))) {
            request.withArray("columns")
                    .addObject()
                    .put("name", column.getKey())
                    .put("type", column.getValue());
        }
        return request;
    }

    private static JsonNode columns(String sql) throws Exception {
        return new ComputeTask().run(request(sql).put("describe", true), NOBODY);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "SELECT x, avg(x) OVER (ORDER BY moment) AS mean FROM source | window function avg() OVER",
                "SELECT x, lag(x) OVER w AS before FROM source WINDOW w AS (ORDER BY moment) | window function lag() OVER",
                "SELECT x - (SELECT avg(x) FROM source) AS d FROM source | a subquery in an expression",
                "SELECT x IN (SELECT y FROM source) AS d FROM source | a subquery in an expression",
                "SELECT sum(x) AS s FROM source | aggregate function sum()",
                "SELECT count(*) AS s FROM source | aggregate function count_star()",
                "SELECT geomean(x) AS s FROM source | aggregate function avg()",
                "SELECT x FROM source GROUP BY x | GROUP BY",
                "FROM source SELECT x GROUP BY ALL | GROUP BY",
                "SELECT x FROM source WHERE x > 0 | WHERE",
                "SELECT x FROM source QUALIFY row_number() OVER () = 1 | QUALIFY",
                "SELECT x FROM source ORDER BY x | ORDER BY",
                "SELECT x FROM source LIMIT 10 | LIMIT",
                "SELECT x FROM source OFFSET 1 | LIMIT or OFFSET",
                "SELECT x FROM source LIMIT 10% | LIMIT",
                "SELECT DISTINCT x FROM source | DISTINCT",
                "SELECT DISTINCT ON (x) x, y FROM source | DISTINCT",
                "SELECT x FROM source UNION ALL SELECT x FROM source | UNION",
                "SELECT x FROM source EXCEPT SELECT 1 | EXCEPT",
                "SELECT x FROM source INTERSECT SELECT 1 | INTERSECT",
                "SELECT a.x FROM source a, source b | JOIN",
                "SELECT a.x FROM source a JOIN (SELECT 1 AS z) b ON true | JOIN",
                "SELECT x FROM source USING SAMPLE 3 | SAMPLE",
                "SELECT x FROM source TABLESAMPLE 10% | SAMPLE",
                "SELECT unnest([1, 2]) AS u, x FROM source | unnest()",
                "SELECT now() AS t, x FROM source | now(), which changes",
                "SELECT current_date AS t, x FROM source | current_date, which changes",
                "SELECT CURRENT_TIMESTAMP AS t, x FROM source | changes",
                "SELECT today() - CAST(moment AS DATE) AS days FROM source | today(), which changes",
                "SELECT age(moment) AS a FROM source | age() of one argument",
                "SELECT moment < ago(INTERVAL 1 DAY) AS a FROM source | current_timestamp",
                "SELECT random() AS r, x FROM source | random(), which changes",
                "SELECT x + CASE WHEN y > 0 THEN random() ELSE 0 END AS r FROM source | random()",
                "SELECT list_transform([x], lambda e: e + random()) AS r FROM source | random()",
                "SELECT uuid() AS r, x FROM source | uuid()",
                "SELECT 1 AS x | without FROM source",
                "SELECT x FROM (VALUES (1), (2)) t(x) | VALUES",
                "SELECT range AS x FROM range(3) | table function range()",
                "SELECT database_name AS x FROM duckdb_databases() | table function duckdb_databases()",
                "SELECT table_name AS x FROM information_schema.tables | FROM tables",
                "WITH a AS (SELECT x FROM source LIMIT 1) SELECT x FROM a | LIMIT",
                "SELECT x FROM (SELECT x FROM source WHERE x > 1) | WHERE",
                "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 3) SELECT x FROM a |"
                        + " RECURSIVE",
            })
    void whatWorksOnMoreThanOneRowIsRefusedByName(String sql, String construct) {
        assertThatThrownBy(() -> columns(sql))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("does not work row by row")
                .hasMessageContaining(construct);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT * FROM source",
                "SELECT moment, hour(moment) AS hour, dayofweek(moment) AS weekday, x FROM source",
                "SELECT *, x + 1 AS z, z * 2 AS zz FROM source",
                "SELECT * EXCLUDE (note) REPLACE (round(x) AS x) FROM source",
                "SELECT CASE WHEN x > 0 THEN 'up' ELSE lower(trim(note)) END AS note, coalesce(y, 0) AS y FROM source",
                "WITH a AS (SELECT x * 2 AS twice, * FROM source), b AS (SELECT twice + 1 AS more, * FROM a) SELECT * FROM b",
                "SELECT t.x, t.y FROM (SELECT * FROM source) t",
                "SELECT age(moment, TIMESTAMP '2020-01-01') IS NULL AS a, date_trunc('day', moment) AS d FROM source",
                "SELECT list_sum(list_transform([x, y], lambda e: e + 1)) AS s, greatest(x, y) AS g FROM source",
                "SELECT regexp_extract(note, '(\\d+)', 1) AS d, note LIKE '%WHERE%' AS w, 'LIMIT 1' AS l FROM source",
                "SELECT nullif(x, 0) AS x, if(y > 1, 1, 0) AS f, split_part(note, ' ', 1) AS w, x BETWEEN 1 AND 2 AS b"
                        + " FROM source",
                "SELECT strftime(moment, '%Y') AS y, epoch(moment) AS e, md5(note) AS h, CAST(x AS BIGINT) AS w FROM source",
                "SELECT \"order\", x FROM source"
            })
    void whatComputesEachRowFromItselfIsTaken(String sql) throws Exception {
        assertThat(columns(sql)).isNotEmpty();
    }

    @Test
    void theColumnsOfTheResultAreTold() throws Exception {
        assertThat(columns("SELECT moment, x AS \"an x\", * EXCLUDE (moment, x) FROM source"))
                .extracting(JsonNode::asText)
                .containsExactly("moment", "an x", "y", "note", "order");
    }

    /** A column may be called as a word of SQL is; the parser's own message does not say that this is why. */
    @Test
    void aReservedWordIsNamedWithItsPlaceAndTheWayOut() {
        assertThatThrownBy(() -> columns("SELECT\n  moment,\n  order, x\nFROM source"))
                .isInstanceOfSatisfying(TidemillException.class, refusal -> {
                    assertThat(refusal.message()).contains("line 3, column 8, after 'order'");
                    assertThat(refusal.remedy().orElseThrow()).contains("must be quoted");
                });
        assertThatThrownBy(() -> columns("SELECT at, x FROM source"))
                .hasMessageContaining("line 1, column 10, after 'at'");
    }
}
