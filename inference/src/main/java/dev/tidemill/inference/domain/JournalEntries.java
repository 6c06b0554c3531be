package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
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
     * @param answered values that are kept of an answer, of a row or of all of it; 0 where it is not known yet
     */
    static int kept(InferenceRequest request, List<Tensor> fitted, boolean byRow, long answered) {
        if (!byRow) {
            long values = answered
                    + Stream.concat(request.inputs().stream(), fitted.stream())
                            .mapToLong(Tensor::size)
                            .sum();
            return values > MOST_VALUES ? 0 : 1;
        }
        long values = answered
                + request.inputs().stream().filter(Tensor::isColumn).count()
                + fitted.stream().mapToLong(Tensor::width).sum();
        return (int) Math.min(Math.min(request.rows(), MOST_ROWS), MOST_VALUES / Math.max(1, values));
    }

    /** What one side said of a request: outputs, an error, or nothing yet. */
    record Said(List<Tensor> outputs, Optional<String> error) {
        static final Said NOTHING = new Said(List.of(), Optional.empty());

        static Said answered(List<Tensor> outputs) {
            return new Said(outputs, Optional.empty());
        }

        static Said failed(Throwable error) {
            String text = StorableText.cut(TidemillException.said(error), LONGEST_ERROR);
            return new Said(List.of(), Optional.of(text));
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
        // Of the other side as many numbers are expected as of this one: one that says more of a row has said too much.
        int own = numbers(answer, byRow, rows);
        int kept = kept(request, fitted, byRow, plan.challenger().isPresent() ? 2L * own : own);
        List<Tensor> other = toChallenger ? champion.outputs() : challenger.outputs();
        int others = numbers(other, byRow, rows);
        boolean fits = others <= own || kept(request, fitted, byRow, (long) own + others) >= kept;
        List<Tensor> left = fits ? other : List.of();
        List<Tensor> champions = toChallenger ? left : champion.outputs();
        List<Tensor> challengers = toChallenger ? challenger.outputs() : left;
        Optional<String> error = fits || toChallenger
                ? challenger.error()
                : Optional.of("it answered with " + others + " numbers, more than is journalled of one request");
        var entries = new ArrayList<Prediction>(kept);
        for (int row = 0; row < kept; row++) {
            List<Object> championSaid = values(champions, row, byRow, rows);
            List<Object> challengerSaid = values(challengers, row, byRow, rows);
            entries.add(new Prediction(
                    plan.project(),
                    plan.name(),
                    request.predictionId(row),
                    request.eventTime(),
                    now,
                    byRow ? request.row(row, fitted) : request.whole(fitted),
                    toChallenger,
                    plan.champion().version(),
                    championSaid,
                    plan.challenger()
                            .filter(trial -> challenger.isKnown())
                            .map(trial -> trial.version().version()),
                    challengerSaid,
                    error.or(() -> noNumber(championSaid, challengers, challengerSaid))));
        }
        return new Journalled(entries, byRow ? rows - kept : rows * (1 - kept));
    }

    /** Why a challenger failed that answered a row with no number, where the champion answered with one. */
    private static Optional<String> noNumber(List<Object> champion, List<Tensor> challengers, List<Object> challenger) {
        boolean texts = !challengers.isEmpty() && challengers.getFirst().datatype() == Datatype.BYTES;
        return texts || champion.isEmpty() || !champion.stream().allMatch(JournalEntries::isAnswer)
                ? Optional.empty()
                : challenger.stream()
                        .filter(value -> !isAnswer(value))
                        .findFirst()
                        .map(value -> "it answered " + value + " where the champion answered " + champion.getFirst());
    }

    private static boolean isAnswer(Object value) {
        return !(value instanceof Double number) || Double.isFinite(number);
    }

    /** How many values are kept of the first output, of a row or of all of it. */
    private static int numbers(List<Tensor> outputs, boolean byRow, int rows) {
        if (outputs.isEmpty()) {
            return 0;
        }
        Tensor output = outputs.getFirst();
        int width = !byRow ? output.size() : output.hasRows(rows) ? output.width() : 0;
        return output.datatype() != Datatype.BYTES || width == 1 ? width : 0;
    }

    private static List<Object> values(List<Tensor> outputs, int row, boolean byRow, int rows) {
        int width = numbers(outputs, byRow, rows);
        return width == 0 ? List.of() : AnswerValues.of(outputs.getFirst(), row, width);
    }
}
