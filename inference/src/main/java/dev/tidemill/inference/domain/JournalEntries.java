package dev.tidemill.inference.domain;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What is journalled of an answer: an entry a row with what both sides said, or one where the answer is not one for each row. */
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
        int rows = request.rows();
        boolean byRow = Stream.of(request.inputs(), champion, challenger)
                .flatMap(List::stream)
                .allMatch(tensor -> tensor.hasRows(rows));
        var entries = new ArrayList<Prediction>(byRow ? rows : 1);
        for (int row = 0; row < (byRow ? rows : 1); row++) {
            entries.add(new Prediction(
                    plan.project(),
                    plan.name(),
                    request.predictionId(row),
                    request.eventTime(),
                    now,
                    byRow ? request.row(row, fitted) : request.whole(fitted),
                    toChallenger,
                    plan.champion().version(),
                    values(champion, row, byRow),
                    plan.challenger().map(trial -> trial.version().version()),
                    values(challenger, row, byRow)));
        }
        return entries;
    }

    /** The numbers of a row of the first output, or all of them; nothing for a text. */
    private static List<Double> values(List<Tensor> outputs, int row, boolean byRow) {
        if (outputs.isEmpty() || outputs.getFirst().datatype() == Datatype.BYTES) {
            return List.of();
        }
        Tensor output = outputs.getFirst();
        int width = byRow ? output.width() : output.size();
        var values = new ArrayList<Double>(width);
        for (int i = 0; i < width; i++) {
            values.add(output.number(row * width + i));
        }
        return values;
    }
}
