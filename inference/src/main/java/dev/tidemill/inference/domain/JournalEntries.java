package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What is journalled of an answer: an entry a row with what both sides said, or one where the answer is not one for each row. */
final class JournalEntries {
    private static final int LONGEST_ERROR = 500;

    /** Most rows of one request that are journalled. */
    static final int MOST_ROWS = 20_000;
    /** Most values of one request that are journalled, of all its rows together: each is an entry of a map, with its name. */
    static final int MOST_VALUES = 250_000;

    private JournalEntries() {}

    /**
     * How many entries are made of a request: fewer than it has rows if they would take too much memory.
     *
     * @param fitted the row as the champion takes it; the inputs themselves where that is not known yet
     */
    static int kept(InferenceRequest request, List<Tensor> fitted, boolean byRow) {
        if (!byRow) {
            long values = Stream.concat(request.inputs().stream(), fitted.stream())
                    .mapToLong(Tensor::size)
                    .sum();
            return values > MOST_VALUES ? 0 : 1;
        }
        long values = request.inputs().stream().filter(Tensor::isColumn).count()
                + fitted.stream().mapToLong(Tensor::width).sum();
        return (int) Math.min(Math.min(request.rows(), MOST_ROWS), MOST_VALUES / Math.max(1, values));
    }

    /** What one side said of a request: outputs, an error, or nothing yet. */
    record Said(List<Tensor> outputs, Optional<String> error) {
        static final Said NOTHING = new Said(List.of(), Optional.empty());

        static Said answered(List<Tensor> outputs) {
            return new Said(outputs, Optional.empty());
        }

        static Said failed(RuntimeException error) {
            String text = error instanceof TidemillException coded ? coded.message() : error.toString();
            return new Said(List.of(), Optional.of(text.substring(0, Math.min(text.length(), LONGEST_ERROR))));
        }

        boolean isKnown() {
            return !outputs.isEmpty() || error.isPresent();
        }
    }

    /**
     * What is journalled of a request.
     *
     * @param leftOut rows for which there is no entry, since one request must not take all memory
     */
    record Journalled(List<Prediction> entries, int leftOut) {}

    /**
     * The entries; no more than {@link #kept} tells.
     *
     * @param fitted the row as the champion takes it
     */
    static Journalled of(
            ServingPlan plan,
            InferenceRequest request,
            List<Tensor> fitted,
            boolean toChallenger,
            Said champion,
            Said challenger,
            Instant now) {
        int rows = request.rows();
        // The side that answered decides: the other may not be known yet, and must not change how many entries there
        // are.
        List<Tensor> answer = toChallenger ? challenger.outputs() : champion.outputs();
        boolean byRow =
                Stream.of(request.inputs(), answer).flatMap(List::stream).allMatch(tensor -> tensor.hasRows(rows));
        int kept = kept(request, fitted, byRow);
        var entries = new ArrayList<Prediction>(kept);
        for (int row = 0; row < kept; row++) {
            entries.add(new Prediction(
                    plan.project(),
                    plan.name(),
                    request.predictionId(row),
                    request.eventTime(),
                    now,
                    byRow ? request.row(row, fitted) : request.whole(fitted),
                    toChallenger,
                    plan.champion().version(),
                    values(champion.outputs(), row, byRow, rows),
                    plan.challenger()
                            .filter(trial -> challenger.isKnown())
                            .map(trial -> trial.version().version()),
                    values(challenger.outputs(), row, byRow, rows),
                    challenger.error()));
        }
        return new Journalled(entries, byRow ? rows - kept : rows * (1 - kept));
    }

    /** The numbers of a row of the first output, or all of them; nothing for a text. */
    private static List<Double> values(List<Tensor> outputs, int row, boolean byRow, int rows) {
        if (outputs.isEmpty() || outputs.getFirst().datatype() == Datatype.BYTES) {
            return List.of();
        }
        Tensor output = outputs.getFirst();
        if (byRow && !output.hasRows(rows)) {
            return List.of();
        }
        int width = byRow ? output.width() : output.size();
        var values = new ArrayList<Double>(width);
        for (int i = 0; i < width; i++) {
            values.add(output.number(row * width + i));
        }
        return values;
    }
}
