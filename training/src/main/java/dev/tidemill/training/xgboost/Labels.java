package dev.tidemill.training.xgboost;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.statistics.Loss;
import dev.tidemill.trees.Objective;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a target column asks of a model.
 *
 * @param column position of the target
 * @param truth whether the target is true or false
 * @param classes in order; empty for a regression
 */
record Labels(int column, boolean truth, List<String> classes, Objective objective) {
    /** Index of a class that a model does not know: it is never the most probable one. */
    static final double UNKNOWN_CLASS = -1;

    /** A target of texts, or of truths unless {@code objective} asks for numbers, is a classification; a number is a regression. */
    static Labels of(Table table, String target, String objective) {
        int column = table.column(target);
        boolean truth = table.truths().contains(target) && objective.isEmpty();
        boolean ofClasses = truth || table.text().get(column);
        List<String> classes = ofClasses ? table.classes(column) : List.of();
        if (ofClasses && classes.size() < 2) {
            throw new TidemillException(
                    ErrorCode.INVALID_DATA,
                    "Target '" + target + "' has " + classes.size() + " classes; two are needed");
        }
        Objective chosen =
                switch (objective) {
                    case "" ->
                        classes.isEmpty()
                                ? Objective.SQUARED_ERROR
                                : classes.size() == 2 ? Objective.LOGISTIC : Objective.SOFT_PROBABILITIES;
                    case "squared-error" -> Objective.SQUARED_ERROR;
                    case "absolute-error" -> Objective.ABSOLUTE_ERROR;
                    case "poisson" -> Objective.POISSON;
                    default ->
                        throw TidemillException.invalid(
                                "objective", "'" + objective + "' is none of squared-error, absolute-error, poisson");
                };
        return new Labels(column, truth, classes, chosen);
    }

    Loss loss() {
        return classes.isEmpty() ? Loss.ABSOLUTE : Loss.ZERO_ONE;
    }

    /** The label of a row as a number: the value, or the index of its class; NaN if it is missing or unknown. */
    double of(List<@Nullable Object> row) {
        Object value = row.get(column);
        if (value == null) {
            return Double.NaN;
        }
        if (classes.isEmpty()) {
            return ((Number) value).doubleValue();
        }
        int index = classes.indexOf(truth ? Table.truth(value) : String.valueOf(value));
        return index < 0 ? Double.NaN : index;
    }
}
