package dev.tidemill.training.xgboost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.SilentReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 100 days of 10 rows each; the label is noise that only who has seen it knows. */
class EvaluateTaskTest {
    private static final String NOISY =
            "SELECT TIMESTAMP '2026-01-01' + INTERVAL (i // 10) DAY + INTERVAL (i % 10) HOUR AS day,"
                    + " CAST(i AS DOUBLE) AS x, CAST(hash(i) % 1000 AS DOUBLE) AS y FROM range(1000) t(i)";

    @TempDir
    private Path folder;

    private final List<String> log = new ArrayList<>();
    private final ChildTask.Report report = new SilentReport() {
        @Override
        public void log(String line) {
            log.add(line);
        }
    };

    private Path rows;

    @BeforeEach
    void write() throws Exception {
        rows = parquet("rows", NOISY);
    }

    private Path parquet(String name, String query) throws Exception {
        Path file = folder.resolve(name + ".parquet");
        try (var connection = DriverManager.getConnection("jdbc:duckdb:");
                var statement = connection.createStatement()) {
            statement.execute("COPY (" + query + ") TO '" + file + "' (FORMAT parquet)");
        }
        return file;
    }

    private static ObjectNode request(Path rows, String holdout) {
        ObjectNode request = Json.object().put("target", "y").put("time", "day").put("holdout", holdout);
        request.withArray("files").add(rows.toString());
        request.putObject("parameters").put("rounds", 60).put("max_depth", 10).put("min_child_weight", 0);
        return request;
    }

    /** Trains on rows and writes the model's files as an evaluation reads them. */
    private ObjectNode trained(String name, Path rows, String holdout) throws Exception {
        JsonNode answer = new TrainTask().run(request(rows, holdout), report);
        ObjectNode files = Json.object().put("until", answer.path("until").asText());
        for (String part : List.of("encoding", "trees")) {
            Path file = folder.resolve(name + "." + part);
            Files.write(file, Base64.getDecoder().decode(answer.path(part).asText()));
            files.put(part, file.toString());
        }
        return files;
    }

    private JsonNode evaluate(ObjectNode candidate, ObjectNode champion, int needed) throws Exception {
        log.clear();
        ObjectNode request = request(rows, "P14D");
        request.set("candidate", candidate);
        request.set("champion", champion.put("reference", "m/1").put("rows", needed));
        return new EvaluateTask().run(request, report);
    }

    /** What was trained up to where the holdout begins, which is the first row of day 87 or so. */
    private Path upTo(String end) throws Exception {
        return parquet(end, "SELECT * FROM (" + NOISY + ") WHERE day < TIMESTAMP '" + end + "'");
    }

    /** It knows them by heart: on these rows it would be better than any candidate, itself included. */
    @Test
    void aChampionIsNotComparedOnRowsThatItWasTrainedOn() throws Exception {
        ObjectNode candidate = trained("candidate", rows, "P14D");
        JsonNode answer = evaluate(candidate, trained("champion", rows, "PT0S"), 48);
        assertThat(answer.has("champion_error")).isFalse();
        assertThat(answer.path("rows").asInt()).isEqualTo(140);
        assertThat(answer.path("champion_unseen_rows").asInt()).isZero();
        assertThat(answer.path("champion_rows_needed").asInt()).isEqualTo(48);
        assertThat(log)
                .anyMatch(line ->
                        line.contains("has seen all but 0 of the 140 held-out rows") && line.contains("48 are needed"));
    }

    @Test
    void rowsWithoutANumberToMeetAreMeasuredByNobody() throws Exception {
        ObjectNode candidate = trained("candidate", rows, "P14D");
        JsonNode whole = evaluate(candidate, trained("champion", upTo("2026-03-01"), "PT0S"), 48);
        rows = parquet(
                "unknown",
                "SELECT day, x, CASE WHEN x % 100 = 99 THEN NULL WHEN x % 100 = 98 THEN 'nan'::DOUBLE ELSE y END AS y FROM ("
                        + NOISY + ")");
        JsonNode answer = evaluate(candidate, trained("champion", upTo("2026-03-01"), "PT0S"), 48);
        assertThat(whole.path("champion_unseen_rows").asInt()
                        - answer.path("champion_unseen_rows").asInt())
                .isEqualTo(4);
        assertThat(answer.path("error").asDouble())
                .isCloseTo(whole.path("error").asDouble(), within(20.0));
    }

    @Test
    void bothAreComparedOnTheRowsAfterTheChampionsTraining() throws Exception {
        ObjectNode candidate = trained("candidate", rows, "P14D");
        ObjectNode champion = trained("champion", upTo("2026-04-01"), "PT0S");
        JsonNode answer = evaluate(candidate, champion, 48);
        assertThat(answer.path("champion_unseen_rows").asInt()).isEqualTo(100);
        assertThat(answer.path("champion_error").asDouble()).isGreaterThan(200);

        // The same as an evaluation of each alone on just those rows.
        ObjectNode alone = request(rows, "P9DT10H");
        alone.set("candidate", champion);
        JsonNode there = new EvaluateTask().run(alone, report);
        assertThat(there.path("rows").asInt()).isEqualTo(100);
        assertThat(answer.path("champion_error").asDouble())
                .isCloseTo(there.path("error").asDouble(), within(1e-9));
        alone.set("candidate", candidate);
        assertThat(answer.path("compared_error").asDouble())
                .isCloseTo(new EvaluateTask().run(alone, report).path("error").asDouble(), within(1e-9));
        assertThat(answer.path("error").asDouble())
                .isNotEqualTo(answer.path("compared_error").asDouble());
    }

    @Test
    void fewerRowsThanThePolicyNeedsCompareNothing() throws Exception {
        ObjectNode candidate = trained("candidate", rows, "P14D");
        ObjectNode champion = trained("champion", upTo("2026-04-08"), "PT0S");
        assertThat(evaluate(candidate, champion, 30).path("champion_error").isNumber())
                .isTrue();
        JsonNode answer = evaluate(candidate, champion, 48);
        assertThat(answer.has("champion_error")).isFalse();
        assertThat(answer.path("champion_unseen_rows").asInt()).isEqualTo(30);
        // The newest row is of 10 April, 9 o'clock; 18 more come in 1.8 days.
        assertThat(log).anyMatch(line -> line.contains("about 2026-04-12"));
    }

    /** A row without a label tells nothing, and so is none of those that are needed. */
    @Test
    void onlyRowsWithALabelCount() throws Exception {
        ObjectNode candidate = trained("candidate", rows, "P14D");
        ObjectNode champion = trained("champion", upTo("2026-04-01"), "PT0S");
        rows = parquet(
                "unlabelled",
                "SELECT day, x, CASE WHEN i % 2 = 0 THEN y END AS y FROM (" + NOISY.replace("SELECT ", "SELECT i, ")
                        + ")");
        assertThat(evaluate(candidate, champion, 60)
                        .path("champion_unseen_rows")
                        .asInt())
                .isEqualTo(50);
    }

    @Test
    void aChampionOfWhichNobodyKnowsWhatItHasSeenIsNotCompared() throws Exception {
        ObjectNode candidate = trained("candidate", rows, "P14D");
        JsonNode answer = evaluate(
                candidate, trained("champion", upTo("2026-02-01"), "PT0S").put("until", ""), 48);
        assertThat(answer.has("champion_error")).isFalse();
        assertThat(log).anyMatch(line -> line.contains("is not known"));
    }

    /** Rows that were held out of it are none that it was trained on. */
    @Test
    void aModelIsTrainedUpToWhereItsHoldoutBegins() throws Exception {
        assertThat(trained("model", rows, "P14D").path("until").asText()).isEqualTo("2026-03-27T09:00:00Z");
        assertThat(trained("model", rows, "PT0S").path("until").asText()).isEqualTo("2026-04-10T09:00:00Z");
    }

    /** The champion knows 'a' and 'c', the candidate 'b' too: each one's classes are its own. */
    @Test
    void eachIsMeasuredByTheClassesThatItKnows() throws Exception {
        String classes =
                "SELECT day, x, CASE CAST(x AS BIGINT) % 2 WHEN 0 THEN 'a' ELSE 'c' END AS y, x % 2 AS z FROM (" + NOISY
                        + ")";
        Path known = parquet("two", classes + " WHERE day < TIMESTAMP '2026-02-01'");
        rows = parquet(
                "three",
                "SELECT * REPLACE (CASE WHEN day < TIMESTAMP '2026-02-10' AND day >= TIMESTAMP '2026-02-05'"
                        + " THEN 'b' ELSE y END AS y) FROM (" + classes + ")");
        JsonNode answer = evaluate(trained("candidate", rows, "P14D"), trained("champion", known, "PT0S"), 48);
        assertThat(answer.path("champion_error").asDouble()).isZero();
    }
}
