package dev.tidemill.training.xgboost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import dev.tidemill.testkit.SilentReport;
import dev.tidemill.trees.TabularModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainTaskTest {
    private static final ChildTask.Report NOBODY = new SilentReport();

    @TempDir
    private Path folder;

    /** A request over 200 rows of {@code i} from 0, computed by the columns' SQL. */
    private ObjectNode request(String columns, String target) throws Exception {
        Path file = folder.resolve("rows.parquet");
        Files.deleteIfExists(file);
        try (var connection = DriverManager.getConnection("jdbc:duckdb:");
                var statement = connection.createStatement()) {
            statement.execute("COPY (SELECT " + columns + " FROM range(200) t(i)) TO '" + file + "' (FORMAT parquet)");
        }
        ObjectNode request = Json.object().put("target", target);
        request.withArray("files").add(file.toString());
        request.putObject("parameters").put("rounds", 10);
        return request;
    }

    private static TabularModel model(JsonNode answer) {
        return TabularModel.parse(
                Base64.getDecoder().decode(answer.path("encoding").asText()),
                Base64.getDecoder().decode(answer.path("trees").asText()));
    }

    private static List<String> texts(JsonNode list) {
        var texts = new ArrayList<String>();
        list.forEach(one -> texts.add(one.asText()));
        return texts;
    }

    @Test
    void aTargetOfTruthsMakesAClassifier() throws Exception {
        ObjectNode request = request("i AS n, i >= 100 AS churned", "churned");
        JsonNode answer = new TrainTask().run(request, NOBODY);
        assertThat(texts(answer.path("signature").path("classes"))).containsExactly("false", "true");
        assertThat(answer.path("metrics").path("train_error_rate").asDouble()).isLessThan(0.05);
        TabularModel model = model(answer);
        assertThat(model.classes()).containsExactly("false", "true");
        assertThat(model.hasBooleanClasses()).isTrue();
        assertThat(model.predict(model.encode(List.<@Nullable Object>of(3)))[0]).isLessThan(0.5);
        assertThat(model.predict(model.encode(List.<@Nullable Object>of(190)))[0])
                .isGreaterThan(0.5);

        Path encoding = Files.write(
                folder.resolve("encoding.json"),
                Base64.getDecoder().decode(answer.path("encoding").asText()));
        Path trees = Files.write(
                folder.resolve("model.json"),
                Base64.getDecoder().decode(answer.path("trees").asText()));
        request.put("holdout", "PT0S")
                .putObject("candidate")
                .put("encoding", encoding.toString())
                .put("trees", trees.toString());
        assertThat(new EvaluateTask().run(request, NOBODY).path("error").asDouble())
                .isLessThan(0.05);
    }

    @Test
    void aTargetOfStringsThatReadAsBooleansHasClassesThatAreStrings() throws Exception {
        ObjectNode request = request("i AS n, CASE WHEN i >= 100 THEN 'true' ELSE 'false' END AS churned", "churned");
        TabularModel model = model(new TrainTask().run(request, NOBODY));
        assertThat(model.classes()).containsExactly("false", "true");
        assertThat(model.hasBooleanClasses()).isFalse();
    }

    @Test
    void truthsAreNumbersWhereTheObjectiveAsksForThem() throws Exception {
        ObjectNode request = request("i AS n, i >= 100 AS churned", "churned").put("objective", "squared-error");
        assertThat(model(new TrainTask().run(request, NOBODY)).classes()).isEmpty();
    }

    @Test
    void oneTruthAloneIsNoTarget() throws Exception {
        ObjectNode request = request("i AS n, true AS churned", "churned");
        assertThatThrownBy(() -> new TrainTask().run(request, NOBODY)).hasMessageContaining("has 1 classes");
    }

    @Test
    void wholeNumbersThatNoDoubleHoldsAreDeclaredAsSuch() throws Exception {
        JsonNode answer = new TrainTask()
                .run(
                        request(
                                "9007199255128919 + i AS big, CASE WHEN i > 3 THEN -9007199255128919 END AS some,"
                                        + " i AS small, i AS y",
                                "y"),
                        NOBODY);
        var types = new ArrayList<String>();
        answer.path("signature")
                .path("inputs")
                .forEach(input -> types.add(input.path("name").asText() + " "
                        + input.path("type").asText() + (input.path("optional").asBoolean() ? "?" : "")));
        assertThat(types).containsExactly("big long", "some long?", "small double");
        assertThat(answer.path("example").path("big").isIntegralNumber()).isTrue();
    }

    @Test
    void aNumberThatNothingIsLearntFromIsNamed() throws Exception {
        for (String sql : List.of(
                "CASE WHEN i = 7 THEN CAST('inf' AS DOUBLE) ELSE i END AS n, i AS y",
                "CASE WHEN i = 7 THEN 1e300 ELSE i END AS n, i AS y")) {
            assertThatThrownBy(() -> new TrainTask().run(request(sql, "y"), NOBODY))
                    .hasMessageContaining("Column 'n' holds");
        }
        assertThatThrownBy(() -> new TrainTask()
                        .run(
                                request("i AS n, CASE WHEN i = 7 THEN CAST('-inf' AS DOUBLE) ELSE i END AS y", "y"),
                                NOBODY))
                .hasMessageContaining("Column 'y' holds -Infinity");
    }

    @Test
    void aColumnOfNoTextAtAllIsNamedWithTheWayOut() throws Exception {
        ObjectNode request = request("i AS n, CAST(NULL AS VARCHAR) AS note, i AS y", "y");
        assertThatThrownBy(() -> new TrainTask().run(request, NOBODY))
                .hasMessageContaining("Column 'note' is a text that is missing in all of the 200 rows");
        request.withArray("exclude").add("note");
        assertThat(model(new TrainTask().run(request, NOBODY)).columns()).hasSize(1);
    }

    @Test
    void aColumnThatTheDataDoesNotHaveIsNamedWithTheNearestOne() throws Exception {
        String columns = "i AS n, TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR AS moment, i AS minutes";
        assertThatThrownBy(() -> new TrainTask().run(request(columns, "minuts"), NOBODY))
                .hasMessageContaining("no column 'minuts', which the step's input 'target' names")
                .hasMessageContaining("it has [n, moment, minutes]; did you mean 'minutes'?");
        ObjectNode wrongTime = request(columns, "minutes").put("time", "momnt");
        assertThatThrownBy(() -> new TrainTask().run(wrongTime, NOBODY))
                .hasMessageContaining("no column 'momnt', which the step's input 'time' names")
                .hasMessageContaining("did you mean 'moment'?");
        ObjectNode noTime = request(columns, "minutes").put("time", "n");
        assertThatThrownBy(() -> new TrainTask().run(noTime, NOBODY)).hasMessageContaining("cannot be the event time");
        ObjectNode wrongExclude = request(columns, "minutes");
        wrongExclude.withArray("exclude").add("N");
        assertThatThrownBy(() -> new TrainTask().run(wrongExclude, NOBODY))
                .hasMessageContaining("no column 'N', which the step's input 'exclude' names");
        assertThatThrownBy(() -> new TrainTask().run(request(columns, "moment"), NOBODY))
                .hasMessageContaining("'moment' holds dates or times, which cannot be a target");
    }

    @Test
    void whatIsLeftOutIsToldWithTheReason() throws Exception {
        ObjectNode request = request(
                        "i AS n, i AS id, TIMESTAMP '2026-01-01' + INTERVAL (i) HOUR AS began,"
                                + " TIMESTAMP '2026-01-02' AS ended, DATE '2026-01-02' AS day, i AS y",
                        "y")
                .put("time", "began");
        request.withArray("exclude").add("id");
        var lines = new ArrayList<String>();
        JsonNode answer = new TrainTask().run(request, new SilentReport() {
            @Override
            public void log(String line) {
                lines.add(line);
            }
        });
        assertThat(answer.path("leftOut"))
                .isEqualTo(Json.read(
                        "{\"day\":\"a date or time that is not the event time, which trees do not learn from as it is\","
                                + "\"ended\":\"a date or time that is not the event time, which trees do not learn from as it is\","
                                + "\"id\":\"named by the step's input 'exclude'\"}"));
        assertThat(lines)
                .anyMatch(line -> line.startsWith("column 'ended' is left out: a date or time"))
                .anyMatch(line -> line.startsWith("column 'id' is left out: named by"));
        assertThat(model(answer).columns()).hasSize(1);
        assertThat(new TrainTask().run(request("i AS n, i AS y", "y"), NOBODY).path("leftOut"))
                .isEmpty();
    }
}
