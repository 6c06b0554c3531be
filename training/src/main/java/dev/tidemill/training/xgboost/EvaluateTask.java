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
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Measures a candidate on the newest rows, and compares it with the champion on those of them that neither was trained on: a
 * model is always good at what it has learned by heart.
 */
public final class EvaluateTask implements ChildTask {
    /** Mean loss over rows that have a label. */
    private record Mean(int rows, double loss) {}

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
        String target = request.path("target").asText();
        TabularModel candidate = load(request.path("candidate"));
        Mean error = mean(rows, target, candidate);
        ObjectNode answer = Json.object();
        answer.put("rows", rows.rows().size());
        answer.put("error", error.loss());
        report.log("candidate: error " + error.loss() + " on " + rows.rows().size() + " held-out rows");
        if (request.has("champion")) {
            compare(request.path("champion"), rows, target, candidate, answer, report);
        }
        return answer;
    }

    private static void compare(
            JsonNode champion, Table rows, String target, TabularModel candidate, ObjectNode answer, Report report)
            throws Exception {
        String reference = "champion " + champion.path("reference").asText();
        String until = champion.path("until").asText("");
        Table unseen = unseen(rows, until);
        Mean there = mean(unseen, target, candidate);
        int needed = champion.path("rows").asInt(1);
        answer.put("champion_unseen_rows", there.rows());
        if (there.rows() < needed) {
            answer.put("champion_rows_needed", needed);
            report.log(
                    until.isEmpty() || rows.times().isEmpty()
                            ? reference + " is not compared: which of the "
                                    + rows.rows().size()
                                    + " held-out rows it was not trained on is not known; that takes models that are"
                                    + " trained and evaluated with the input 'time'"
                            : reference + " is not compared: it was trained on rows up to " + until + ", so it has seen"
                                    + " all but " + there.rows() + " of the "
                                    + rows.rows().size()
                                    + " held-out rows, and " + needed + " are needed (the policy's 'rows')"
                                    + enoughAt(rows, needed - there.rows()));
            return;
        }
        Mean championThere = mean(unseen, target, load(champion));
        answer.put("compared_error", there.loss());
        answer.put("champion_error", championThere.loss());
        report.log(reference + ": error " + championThere.loss() + " against the candidate's " + there.loss()
                + " on the " + there.rows() + " of these rows that it was not trained on");
    }

    /** The rows after what a model was trained on; none where that is not known. */
    private static Table unseen(Table rows, String until) {
        int from = until.isEmpty() || rows.times().isEmpty()
                ? rows.rows().size()
                // Registered times are kept to the millisecond.
                : rows.positionOf(
                        Instant.parse(until).truncatedTo(ChronoUnit.MILLIS).plusMillis(1));
        return rows.slice(from, rows.rows().size());
    }

    /** When as many more rows will have come, if they come as those that are here did. */
    private static String enoughAt(Table rows, int missing) {
        if (rows.times().size() < 2) {
            return "";
        }
        Instant last = rows.times().getLast();
        long span = Duration.between(rows.times().getFirst(), last).toMillis();
        Instant enough = last.plusMillis((long) ((double) span / (rows.times().size() - 1) * missing));
        return "; it would be with rows up to about " + LocalDate.ofInstant(enough, ZoneOffset.UTC);
    }

    private static TabularModel load(JsonNode files) throws Exception {
        return TabularModel.parse(
                Files.readAllBytes(Path.of(files.path("encoding").asText())),
                Files.readAllBytes(Path.of(files.path("trees").asText())));
    }

    private static Mean mean(Table rows, String target, TabularModel model) {
        // Each model numbers its classes itself.
        var labels =
                new Labels(rows.column(target), rows.truths().contains(target), model.classes(), model.objective());
        Loss loss = labels.loss();
        double sum = 0;
        int n = 0;
        for (List<@Nullable Object> row : rows.rows()) {
            double label = labels.of(row);
            if (Double.isNaN(label) && loss == Loss.ZERO_ONE && row.get(labels.column()) != null) {
                // A class that a model does not know is one that it gets wrong.
                label = Labels.UNKNOWN_CLASS;
            }
            if (!Double.isNaN(label)) {
                sum += loss.of(model.predict(Encoded.encode(row, rows, model.columns(), model)), label);
                n++;
            }
        }
        return new Mean(n, n == 0 ? Double.NaN : sum / n);
    }
}
