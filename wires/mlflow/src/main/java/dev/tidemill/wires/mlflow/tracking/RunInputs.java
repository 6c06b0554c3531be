package dev.tidemill.wires.mlflow.tracking;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.tracking.domain.DataSetInput;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;

/** What is told of data that a run has read and models that it has read or made; within MLflow's limits. */
public final class RunInputs {
    /** Whoever exports a project makes folders of these names. */
    private static final Pattern MODEL_ID = Pattern.compile("[a-zA-Z0-9][\\w-]{0,63}");

    private RunInputs() {}

    /** The data sets that a client tells, with their sources; {@code field} lists them. */
    static List<DataSetInput> dataSets(MlflowRequest told, String field) {
        return told.messages(field).stream().map(entry -> dataSet(entry, true)).toList();
    }

    /** The data sets of an import: one that cannot be taken is left out, and said. */
    public static List<DataSetInput> takenDataSets(MlflowRequest told, String field, List<String> left) {
        return taken(told.messages(field), "data set", entry -> dataSet(entry, false), left);
    }

    /** The models of an import, likewise. */
    public static List<ModelLink> takenModels(MlflowRequest told, String field, boolean output, List<String> left) {
        return taken(told.messages(field), "model", entry -> model(entry, output), left);
    }

    private static <T> List<T> taken(
            List<MlflowRequest> entries, String what, Function<MlflowRequest, T> read, List<String> left) {
        var taken = new ArrayList<T>();
        for (MlflowRequest entry : entries) {
            try {
                taken.add(read.apply(entry));
            } catch (TidemillException refused) {
                left.add("a " + what + " of the run is left out: " + refused.message());
            }
        }
        return taken;
    }

    private static DataSetInput dataSet(MlflowRequest entry, boolean complete) {
        MlflowRequest dataSet = entry.message("dataset");
        return new DataSetInput(
                bounded(dataSet.text("name"), "name", 500),
                bounded(dataSet.text("digest"), "digest", 36),
                complete ? dataSet.text("source_type") : dataSet.anyText("source_type"),
                bounded(complete ? dataSet.text("source") : dataSet.anyText("source"), "source", 65_535),
                bounded(dataSet.anyText("schema"), "schema", 1_048_575),
                bounded(dataSet.anyText("profile"), "profile", 16_777_215),
                MlflowTrackingJson.texts(entry.messages("tags"), false));
    }

    private static String bounded(String text, String field, int limit) {
        if (text.length() > limit) {
            throw TidemillException.invalid(
                    field, "'" + field + "' exceeds the maximum length of " + limit + " characters");
        }
        return text;
    }

    /**
     * @param field that lists the models
     * @param output whether the run has made them
     */
    static List<ModelLink> models(MlflowRequest told, String field, boolean output) {
        return told.messages(field).stream().map(model -> model(model, output)).toList();
    }

    private static ModelLink model(MlflowRequest entry, boolean output) {
        return new ModelLink(
                id(entry.text("model_id")), output, entry.optionalWhole("step").orElse(0L));
    }

    private static String id(String text) {
        if (!MODEL_ID.matcher(text).matches()) {
            throw TidemillException.invalid(
                    "model_id",
                    "'" + text.substring(0, Math.min(text.length(), 100))
                            + "' is not a model's id, which has at most 64 letters, digits, '_' and '-'");
        }
        return text;
    }
}
