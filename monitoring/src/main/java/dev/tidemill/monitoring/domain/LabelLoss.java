package dev.tidemill.monitoring.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.statistics.Loss;
import java.util.List;

/** What a label tells of an output of the model. */
final class LabelLoss {
    private LabelLoss() {}

    /**
     * The loss of an output: 0 or 1 where the model has classes, else the absolute error.
     *
     * @param classes of the model; empty for one that predicts a number
     * @throws TidemillException if the label is none that the model could have given
     */
    static double of(List<String> classes, List<Double> output, String label) {
        double[] prediction = output.stream().mapToDouble(Double::doubleValue).toArray();
        if (classes.isEmpty()) {
            try {
                return Loss.ABSOLUTE.of(prediction, Double.parseDouble(label));
            } catch (NumberFormatException e) {
                throw TidemillException.invalid("labels", "'" + label + "' is not a number");
            }
        }
        if (!classes.contains(label)) {
            throw TidemillException.invalid("labels", "'" + label + "' is none of the classes " + classes);
        }
        return Loss.ZERO_ONE.of(prediction, classes.indexOf(label));
    }
}
