package dev.tidemill.training.xgboost;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.statistics.Bins;
import dev.tidemill.statistics.ProfileMaps;
import dev.tidemill.statistics.WindowProfile;
import dev.tidemill.trees.InputColumn;
import dev.tidemill.trees.Objective;
import dev.tidemill.trees.TabularModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;
import org.jspecify.annotations.Nullable;

/**
 * Trains gradient-boosted trees (Chen and Guestrin 2016) on the oldest rows and measures them on the newest. One thread and
 * a fixed seed: equal rows and parameters give the same model, bit for bit.
 */
public final class TrainTask implements ChildTask {
    private static final int PROFILE_BINS = 64;
    private static final int MOST_CATEGORIES = 200;

    @Override
    public String name() {
        return "training.xgboost";
    }

    @Override
    public JsonNode run(JsonNode request, Report report) throws Exception {
        String time = request.path("time").asText("");
        Table all = Table.read(request.path("files"), time);
        String target = request.path("target").asText();
        Labels labels = Labels.of(all, target, request.path("objective").asText(""));
        int split = split(all, Duration.parse(request.path("holdout").asText("PT0S")));
        Table train = all.slice(0, split);
        Table holdout = all.slice(split, all.rows().size());
        report.log(train.rows().size() + " rows to train on, " + holdout.rows().size() + " held out");

        Map<String, String> leftOut = leftOut(all, request.path("exclude"));
        leftOut.forEach((column, why) -> report.log("column '" + column + "' is left out: " + why));
        var unused = new HashSet<String>(leftOut.keySet());
        unused.add(target);
        List<InputColumn> columns = train.inputs(unused);
        byte[] encoding = TabularModel.encoding(columns, labels.classes(), labels.truth());
        byte[] trees = train(train, holdout, columns, labels, request.path("parameters"), report);
        TabularModel model = TabularModel.parse(encoding, trees);

        ObjectNode answer = Json.object();
        answer.put("trees", Base64.getEncoder().encodeToString(trees));
        answer.put("encoding", Base64.getEncoder().encodeToString(encoding));
        answer.set("profile", Json.tree(ProfileMaps.toMap(profile(train, columns, labels, model))));
        Map<String, Double> metrics = new TreeMap<>();
        Metrics.of(train, columns, labels, model).forEach((key, value) -> metrics.put("train_" + key, value));
        if (!holdout.rows().isEmpty()) {
            metrics.putAll(Metrics.of(holdout, columns, labels, model));
        }
        answer.set("metrics", Json.tree(metrics));
        answer.put("error", metrics.getOrDefault("error", metrics.getOrDefault("train_error", Double.NaN)));
        answer.set("signature", signature(all, columns, labels));
        answer.set("example", example(train, columns));
        answer.set("leftOut", Json.tree(leftOut));
        answer.put(
                "until", train.times().isEmpty() ? "" : train.times().getLast().toString());
        return answer;
    }

    /** Columns that the model does not learn from, though they are neither its target nor the event time, and why. */
    private static Map<String, String> leftOut(Table all, JsonNode exclude) {
        var why = new LinkedHashMap<String, String>();
        for (String column : all.dates()) {
            why.put(column, "a date or time that is not the event time, which trees do not learn from as it is");
        }
        exclude.forEach(node -> {
            String column = node.asText();
            all.require("exclude", column);
            why.put(column, "named by the step's input 'exclude'");
        });
        return why;
    }

    private static int split(Table table, Duration holdout) {
        int rows = table.rows().size();
        int split = holdout.isZero()
                ? rows
                : table.times().isEmpty()
                        ? (int) Math.round(rows * 0.8)
                        : table.positionOf(
                                table.times().getLast().minus(holdout).plusMillis(1));
        if (split < 10) {
            throw new TidemillException(
                            ErrorCode.INVALID_DATA, "Only " + split + " of " + rows + " rows are left to train on")
                    .remedy("Give more data, or hold out less");
        }
        return split;
    }

    private static byte[] train(
            Table train, Table holdout, List<InputColumn> columns, Labels labels, JsonNode given, Report report)
            throws XGBoostError {
        Map<String, Object> parameters = parameters(given, labels);
        int rounds = given.path("rounds").asInt(150);
        if (rounds < 1 || rounds > 10_000) {
            throw TidemillException.invalid("rounds", rounds + " is not between 1 and 10000");
        }
        Encoded encoded = Encoded.of(train, columns, labels);
        Encoded held = Encoded.of(holdout, columns, labels);
        DMatrix matrix = encoded.matrix(columns.size());
        Map<String, DMatrix> watches = new LinkedHashMap<>();
        watches.put("train", matrix);
        if (held.rows() > 0) {
            watches.put("holdout", held.matrix(columns.size()));
        }
        float[][] curves = new float[watches.size()][rounds];
        Booster booster = XGBoost.train(matrix, parameters, rounds, watches, curves, null, null, 0);
        int series = 0;
        for (String watch : watches.keySet()) {
            for (int round = 0; round < rounds; round++) {
                report.metric(watch + "_" + parameters.get("eval_metric"), round, curves[series][round]);
            }
            series++;
        }
        byte[] trees = booster.toByteArray("json");
        booster.dispose();
        watches.values().forEach(DMatrix::dispose);
        return trees;
    }

    private static Map<String, Object> parameters(JsonNode given, Labels labels) {
        Map<String, Object> parameters = new HashMap<>();
        parameters.put("max_depth", 6);
        parameters.put("eta", 0.1);
        parameters.put("min_child_weight", 3);
        given.properties().forEach(entry -> {
            if (!entry.getKey().equals("rounds")) {
                parameters.put(
                        entry.getKey().equals("learning_rate") ? "eta" : entry.getKey(),
                        entry.getValue().asText());
            }
        });
        parameters.put("objective", labels.objective().xgboostName());
        parameters.put(
                "eval_metric",
                switch (labels.objective()) {
                    case LOGISTIC -> "logloss";
                    case SOFT_PROBABILITIES -> "mlogloss";
                    default -> "mae";
                });
        if (labels.objective() == Objective.SOFT_PROBABILITIES) {
            parameters.put("num_class", labels.classes().size());
        }
        parameters.put("tree_method", "hist");
        parameters.put("nthread", 1);
        parameters.put("seed", 1);
        return parameters;
    }

    /** Bins and counts of every feature, of the label and of the model's own predictions on the rows it learned from. */
    private static WindowProfile profile(Table train, List<InputColumn> columns, Labels labels, TabularModel model) {
        var bins = new TreeMap<String, Bins>();
        for (InputColumn column : columns) {
            int index = train.column(column.name());
            bins.put(
                    column.name(),
                    column.isText()
                            ? Bins.Categories.fromReference(texts(train, index), MOST_CATEGORIES)
                            : Bins.Numeric.fromReference(numbers(train, index), PROFILE_BINS));
        }
        double[] predictions = new double[train.rows().size()];
        for (int row = 0; row < predictions.length; row++) {
            predictions[row] = model.predict(Encoded.encode(train.rows().get(row), train, columns, model))[0];
        }
        bins.put("prediction", Bins.Numeric.fromReference(predictions, PROFILE_BINS));
        var profile = new WindowProfile(bins);
        for (int row = 0; row < predictions.length; row++) {
            var values = new HashMap<>(train.row(row));
            values.put("prediction", predictions[row]);
            profile.add(values);
        }
        return profile;
    }

    private static double[] numbers(Table table, int column) {
        return table.rows().stream()
                .mapToDouble(row -> row.get(column) instanceof Number number ? number.doubleValue() : Double.NaN)
                .toArray();
    }

    private static List<@Nullable String> texts(Table table, int column) {
        var texts = new ArrayList<@Nullable String>();
        for (List<@Nullable Object> row : table.rows()) {
            Object value = row.get(column);
            texts.add(value == null ? null : String.valueOf(value));
        }
        return texts;
    }

    /** A request may leave out a column that some row of the data lacks: only of such has the model learned what to make of it. */
    private static ObjectNode signature(Table all, List<InputColumn> columns, Labels labels) {
        ObjectNode signature = Json.object();
        for (InputColumn column : columns) {
            signature
                    .withArray("inputs")
                    .addObject()
                    .put("name", column.name())
                    .put("type", type(all, column))
                    .put("optional", all.isMissingSomewhere(all.column(column.name())));
        }
        signature.withArray("outputs").addObject().put("name", "prediction").put("type", "double");
        if (!labels.classes().isEmpty()) {
            labels.classes().forEach(signature.withArray("classes")::add);
        }
        return signature;
    }

    private static String type(Table all, InputColumn column) {
        if (column.isText()) {
            return "string";
        }
        if (all.truths().contains(column.name())) {
            return "boolean";
        }
        // A double is what a request may hold any number in, but it would change these.
        return all.wholes().contains(column.name()) ? "long" : "double";
    }

    private static ObjectNode example(Table train, List<InputColumn> columns) {
        ObjectNode example = Json.object();
        Map<String, @Nullable Object> row = train.row(0);
        for (InputColumn column : columns) {
            Object value = row.get(column.name());
            if (value == null) {
                example.putNull(column.name());
            } else if (train.truths().contains(column.name())) {
                example.put(column.name(), value.equals(1.0));
            } else if (train.wholes().contains(column.name()) && value instanceof Double number) {
                example.put(column.name(), number.longValue());
            } else {
                example.set(column.name(), Json.tree(value));
            }
        }
        return example;
    }
}
