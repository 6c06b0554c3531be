package dev.tidemill.monitoring.domain;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.statistics.Loss;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What the answers of a model version and its labels mean, so that one can be compared with the other.
 *
 * @param classes that it tells apart; empty for one that predicts a number, or that does not name them
 * @param scores whether it answers the scores of its classes, rather than one of them
 * @param texts whether it answers texts, so that what is written otherwise is another class
 */
record LabelMeaning(List<String> classes, boolean scores, boolean texts) {
    private static final List<String> TRUTHS = List.of("False", "True");

    static LabelMeaning of(LoadedModel model) {
        Optional<Datatype> answer = model.outputs().stream().findFirst().map(TensorSpec::datatype);
        boolean truth = answer.filter(Datatype.BOOL::equals).isPresent();
        List<String> classes = model.classes();
        return new LabelMeaning(
                classes.isEmpty() && truth ? TRUTHS : classes,
                model.answersScores(),
                answer.filter(Datatype.BYTES::equals).isPresent());
    }

    /**
     * Refuses what is no label of the model.
     *
     * @param answer that it is a label of
     * @throws TidemillException {@code INVALID_ARGUMENT}
     */
    void require(List<Object> answer, String label) {
        if (!classes.isEmpty()) {
            if (index(label) < 0) {
                throw TidemillException.invalid("labels", "'" + label + "' is none of the classes " + classes);
            }
        } else if (!texts && text(answer).isEmpty() && number(label).isEmpty()) {
            throw TidemillException.invalid("labels", "'" + label + "' is not a number");
        }
    }

    /**
     * The loss of an answer: 0 or 1 where the model tells classes apart, else the absolute error; empty where nothing was answered that
     * could be compared, or a number that is not finite.
     */
    Optional<MeasuredLoss> loss(List<Object> answer, String label) {
        if (answer.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> text = text(answer);
        if (text.isPresent()) {
            return Optional.of(rightOrWrong(isSame(text.get(), label)));
        }
        double[] numbers = answer.stream()
                .mapToDouble(value -> value instanceof Double number ? number : Double.NaN)
                .toArray();
        if (classes.isEmpty()) {
            OptionalDouble actual = number(label);
            return actual.isEmpty()
                    ? Optional.empty()
                    : Optional.of(Loss.ABSOLUTE.of(numbers, actual.getAsDouble()))
                            .filter(Double::isFinite)
                            .map(distance -> new MeasuredLoss(distance, MeasuredLoss.Kind.DISTANCE));
        }
        return classLoss(numbers, index(label));
    }

    private static MeasuredLoss rightOrWrong(boolean right) {
        return new MeasuredLoss(right ? 0 : 1, MeasuredLoss.Kind.CLASS);
    }

    private Optional<MeasuredLoss> classLoss(double[] numbers, int actual) {
        for (double number : numbers) {
            if (!Double.isFinite(number)) {
                return Optional.empty();
            }
        }
        if (!scores && numbers.length == 1) {
            int chosen = index(numbers[0]);
            if (chosen >= 0) {
                return Optional.of(rightOrWrong(chosen == actual));
            }
        }
        return Optional.of(rightOrWrong(Loss.ZERO_ONE.of(numbers, actual) == 0));
    }

    /** The text that was answered, if it is one. A number that is not finite may be the name of a class too. */
    private Optional<String> text(List<Object> answer) {
        return answer.size() != 1
                ? Optional.empty()
                : answer.getFirst() instanceof Double number
                        ? Optional.of(number)
                                .filter(one -> texts && !Double.isFinite(one))
                                .map(String::valueOf)
                        : Optional.of(String.valueOf(answer.getFirst()));
    }

    private boolean isSame(String answer, String label) {
        return answer.equals(label) || (index(answer) >= 0 && index(answer) == index(label));
    }

    /** The place of the class that a label or an answer names; negative if it names none. */
    private int index(String name) {
        int exact = classes.indexOf(name);
        if (exact >= 0) {
            return exact;
        }
        if (isOfTruths()) {
            return place(truth(name));
        }
        return texts ? -1 : place(number(name));
    }

    private int index(double value) {
        return place(OptionalDouble.of(value));
    }

    private int place(OptionalDouble value) {
        for (int i = 0; value.isPresent() && i < classes.size(); i++) {
            OptionalDouble own = isOfTruths() ? truth(classes.get(i)) : number(classes.get(i));
            if (own.isPresent() && own.getAsDouble() == value.getAsDouble()) {
                return i;
            }
        }
        return -1;
    }

    /** Whether its classes are the truths, as JSON or Python write them. */
    private boolean isOfTruths() {
        return !classes.isEmpty()
                && classes.stream().allMatch(name -> name.equalsIgnoreCase("false") || name.equalsIgnoreCase("true"));
    }

    /** A truth in any spelling, or the number that stands for it. */
    private static OptionalDouble truth(String text) {
        if (text.equalsIgnoreCase("true")) {
            return OptionalDouble.of(1);
        }
        return text.equalsIgnoreCase("false") ? OptionalDouble.of(0) : number(text);
    }

    private static OptionalDouble number(String text) {
        try {
            double value = Double.parseDouble(text);
            return Double.isFinite(value) ? OptionalDouble.of(value) : OptionalDouble.empty();
        } catch (NumberFormatException e) {
            return OptionalDouble.empty();
        }
    }
}
