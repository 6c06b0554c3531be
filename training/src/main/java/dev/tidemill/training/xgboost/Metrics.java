package dev.tidemill.training.xgboost;

import dev.tidemill.trees.InputColumn;
import dev.tidemill.trees.TabularModel;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** How good a model is on labelled rows. {@code error} is the mean loss that everything else decides by. */
final class Metrics {
    private Metrics() {}

    static Map<String, Double> of(Table table, List<InputColumn> columns, Labels labels, TabularModel model) {
        double loss = 0;
        double squares = 0;
        double sum = 0;
        double sumOfSquares = 0;
        double logLoss = 0;
        int n = 0;
        for (List<@Nullable Object> row : table.rows()) {
            double label = labels.of(row);
            if (Double.isNaN(label)) {
                continue;
            }
            double[] prediction = model.predict(Encoded.encode(row, table, columns, model));
            loss += labels.loss().of(prediction, label);
            squares += (prediction[0] - label) * (prediction[0] - label);
            sum += label;
            sumOfSquares += label * label;
            logLoss -= Math.log(Math.max(1e-15, probability(prediction, (int) label)));
            n++;
        }
        var metrics = new TreeMap<String, Double>();
        if (n == 0) {
            return metrics;
        }
        metrics.put("error", loss / n);
        metrics.put("rows", (double) n);
        if (labels.classes().isEmpty()) {
            metrics.put("mean_absolute_error", loss / n);
            metrics.put("root_mean_squared_error", Math.sqrt(squares / n));
            double variance = sumOfSquares - sum * sum / n;
            metrics.put("r2", variance > 0 ? 1 - squares / variance : 0);
        } else {
            metrics.put("error_rate", loss / n);
            metrics.put("log_loss", logLoss / n);
        }
        return metrics;
    }

    private static double probability(double[] prediction, int label) {
        if (prediction.length == 1) {
            return label == 1 ? prediction[0] : 1 - prediction[0];
        }
        return label >= 0 && label < prediction.length ? prediction[label] : 0;
    }
}
