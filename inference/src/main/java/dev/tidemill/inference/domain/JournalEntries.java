package dev.tidemill.inference.domain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** What is journalled of an answer: an entry a row, with what both sides said. */
final class JournalEntries {
    private JournalEntries() {}

    /**
     * The entries.
     *
     * @param fitted what the champion was given
     * @param challenger its outputs; none where there is no challenger
     */
    static List<Prediction> of(
            ServingPlan plan,
            InferenceRequest request,
            List<Tensor> fitted,
            boolean toChallenger,
            List<Tensor> champion,
            List<Tensor> challenger,
            Instant now) {
        var entries = new ArrayList<Prediction>(request.rows());
        for (int row = 0; row < request.rows(); row++) {
            entries.add(new Prediction(
                    plan.project(),
                    plan.name(),
                    request.predictionId(row),
                    request.eventTime(),
                    now,
                    request.row(row, fitted),
                    toChallenger,
                    plan.champion().version(),
                    row(champion, row),
                    plan.challenger().map(trial -> trial.version().version()),
                    row(challenger, row)));
        }
        return entries;
    }

    /** The numbers of a row of the first output; nothing for a text. */
    private static List<Double> row(List<Tensor> outputs, int row) {
        if (outputs.isEmpty() || outputs.getFirst().datatype() == Datatype.BYTES) {
            return List.of();
        }
        Tensor output = outputs.getFirst();
        int width = output.width();
        var values = new ArrayList<Double>(width);
        for (int i = 0; i < width; i++) {
            values.add(output.number(row * width + i));
        }
        return values;
    }
}
