package dev.tidemill.training.steps;

import dev.tidemill.datasets.domain.Column;
import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.pipelines.domain.StepDraft;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.training.domain.MissingColumn;
import java.util.List;
import java.util.Optional;

/** Holds the columns that a step's inputs name against those of the data that it reads, where these are known before it runs. */
final class NamedColumns {
    private NamedColumns() {}

    /**
     * @param inputs that name columns of what the input {@code data} names
     * @throws dev.tidemill.platform.errors.TidemillException {@code INVALID_DEFINITION} for a column that is not there
     */
    static void check(DataSets dataSets, StepDraft step, List<String> inputs) {
        step.columns("data").or(() -> ofReference(dataSets, step)).ifPresent(columns -> {
            for (String input : inputs) {
                for (String name : step.texts(input)) {
                    if (!columns.contains(name)) {
                        throw MissingColumn.of(ErrorCode.INVALID_DEFINITION, input, name, columns);
                    }
                }
            }
        });
    }

    /** Of a data set version that the step names itself; not of one whose view is applied together with the step. */
    private static Optional<List<String>> ofReference(DataSets dataSets, StepDraft step) {
        List<String> references = step.texts("data");
        if (references.size() != 1) {
            return Optional.empty();
        }
        String reference = references.getFirst();
        if (step.others().get("DataSet/" + reference) instanceof DataSet dataSet) {
            return Optional.of(names(dataSet.columns()));
        }
        return step.others().containsKey("FeatureView/" + reference)
                ? Optional.empty()
                : dataSets.findVersion(step.project(), reference).map(version -> names(version.columns()));
    }

    private static List<String> names(List<Column> columns) {
        return columns.stream().map(Column::name).toList();
    }
}
