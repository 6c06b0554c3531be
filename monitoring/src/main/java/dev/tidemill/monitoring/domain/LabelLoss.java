package dev.tidemill.monitoring.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.statistics.Loss;
import java.util.List;
import java.util.Optional;

/** What a label tells of an output of the model. */
final class LabelLoss {
    private LabelLoss() {}

    /**
     * The loss of an output: 0 or 1 where the model has classes, else the absolute error; empty where there is no output, or
     * one that is no finite number.
     *
     * @param classes of the model; empty for one that predicts a number
     * @throws TidemillException if the label is none that the model could have given
     */
    static Optional<Double> of(List<String> classes, List<Double> output, String label) {
        if (!classes.isEmpty() && !classes.contains(label)) {
            throw TidemillException.invalid("labels", "'" + label + "' is none of the classes " + classes);
        }
        double actual = classes.isEmpty() ? number(label) : classes.indexOf(label);
        if (output.isEmpty() || !output.stream().allMatch(Double::isFinite)) {
            return Optional.empty();
        }
        double[] prediction = output.stream().mapToDouble(Double::doubleValue).toArray();
        return Optional.of((classes.isEmpty() ? Loss.ABSOLUTE : Loss.ZERO_ONE).of(prediction, actual))
                .filter(Double::isFinite);
    }

    private static double number(String label) {
        try {
            double value = Double.parseDouble(label);
            if (Double.isFinite(value)) {
                return value;
            }
        } catch (NumberFormatException e) {
            // refused below, with the value
        }
        throw TidemillException.invalid("labels", "'" + label + "' is not a number");
    }
}
