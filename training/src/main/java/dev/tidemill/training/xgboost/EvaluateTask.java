package dev.tidemill.training.xgboost;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import dev.tidemill.statistics.Loss;
import dev.tidemill.trees.TabularModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Compares a candidate with the champion, row by row, on the newest rows. */
public final class EvaluateTask implements ChildTask {
    @Override
    public String name() {
        return "training.evaluate";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        Table all = Table.read(request.path("files"), request.path("time").asText(""));
        Duration holdout = Duration.parse(request.path("holdout").asText());
        int split = all.times().isEmpty()
                ? (int) Math.round(all.rows().size() * 0.8)
                : all.positionOf(all.times().getLast().minus(holdout).plusMillis(1));
        Table rows = all.slice(split, all.rows().size());
        TabularModel candidate = load(request.path("candidate"));
        Labels labels = labels(rows, request.path("target").asText(), candidate);
        ObjectNode answer = Json.object();
        double candidateLoss = mean(rows, labels, candidate);
        answer.put("rows", rows.rows().size());
        answer.put("error", candidateLoss);
        report.log("candidate: error " + candidateLoss + " on " + rows.rows().size() + " held-out rows");
        if (request.has("champion")) {
            double championLoss = mean(rows, labels, load(request.path("champion")));
            answer.put("champion_error", championLoss);
            report.log("champion: error " + championLoss + " on the same rows");
        }
        return answer;
    }

    private static TabularModel load(JsonNode files) throws Exception {
        return TabularModel.parse(
                Files.readAllBytes(Path.of(files.path("encoding").asText())),
                Files.readAllBytes(Path.of(files.path("trees").asText())));
    }

    private static Labels labels(Table rows, String target, TabularModel model) {
        return new Labels(rows.column(target), rows.truths().contains(target), model.classes(), model.objective());
    }

    private static double mean(Table rows, Labels labels, TabularModel model) {
        Loss loss = labels.loss();
        double sum = 0;
        int n = 0;
        for (List<@Nullable Object> row : rows.rows()) {
            double label = labels.of(row);
            if (!Double.isNaN(label)) {
                sum += loss.of(model.predict(Encoded.encode(row, rows, model.columns(), model)), label);
                n++;
            }
        }
        return n == 0 ? Double.NaN : sum / n;
    }
}
