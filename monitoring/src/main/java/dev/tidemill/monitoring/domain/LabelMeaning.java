package dev.tidemill.monitoring.domain;

import dev.tidemill.inference.domain.AnswerValues;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.statistics.Loss;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What the answers of a model version and its labels mean, so that one can be compared with the other.
 *
 * @param classes that it tells apart; empty for one that predicts a number, or that does not name them
 * @param values what the names of the classes stand for, as truths or numbers; empty for one that is neither
 * @param truths whether the classes are the two truths, as JSON or Python write them
 * @param scores whether it answers the scores of its classes, rather than one of them
 * @param texts whether it answers texts
 * @param strings whether its classes are strings, so that what is written otherwise is another class
 * @param whole whether it answers whole numbers
 */
record LabelMeaning(
        List<String> classes,
        List<Optional<BigDecimal>> values,
        boolean truths,
        boolean scores,
        boolean texts,
        boolean strings,
        boolean whole) {
    private static final List<String> TRUTHS = List.of("False", "True");

    static LabelMeaning of(LoadedModel model) {
        Optional<Datatype> answer = model.outputs().stream().findFirst().map(TensorSpec::datatype);
        boolean truth = answer.filter(Datatype.BOOL::equals).isPresent();
        List<String> classes = model.classes().isEmpty() && truth ? TRUTHS : model.classes();
        boolean texts = answer.filter(Datatype.BYTES::equals).isPresent();
        boolean strings = texts || model.classType() == ClassType.STRING;
        boolean truths = !strings && areTruths(classes);
        return new LabelMeaning(
                classes,
                classes.stream().map(name -> value(name, truths)).toList(),
                truths,
                model.answersScores(),
                texts,
                strings,
                answer.filter(type -> type.storage() == Datatype.Storage.WHOLE).isPresent());
    }

    private boolean isClass(List<Object> answer, String label) {
        return text(answer).isPresent() ? classes.contains(label) : index(label) >= 0;
    }

    /** Whether a label is one of a model that answers so. */
    boolean isLabel(List<Object> answer, String label) {
        return classes.isEmpty()
                ? texts || text(answer).isPresent() || WrittenNumber.of(label).isPresent()
                : isClass(answer, label);
    }

    /**
     * Refuses what is no label of the model.
     *
     * @param answer that it is a label of
     * @throws TidemillException {@code INVALID_ARGUMENT}
     */
    void require(List<Object> answer, String label) {
        if (!isLabel(answer, label)) {
            throw TidemillException.invalid(
                    "labels",
                    "'" + label + "' is " + (classes.isEmpty() ? "not a number" : "none of the classes " + classes));
        }
    }

    /**
     * The loss of an answer: 0 or 1 where the model tells classes apart, else the absolute error; empty where nothing was answered that
     * could be compared, or a number that is not finite, is not known exactly, or is none of the classes.
     */
    Optional<MeasuredLoss> loss(List<Object> answer, String label) {
        if (answer.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> text = text(answer);
        if (text.isPresent()) {
            return Optional.of(rightOrWrong(text.get().equals(label)));
        }
        if (classes.isEmpty()) {
            return exact(answer.getFirst())
                    .flatMap(given -> WrittenNumber.of(label).map(actual -> distance(given, actual)))
                    .filter(Double::isFinite)
                    .map(distance -> new MeasuredLoss(distance, MeasuredLoss.Kind.DISTANCE));
        }
        return classLoss(answer, label);
    }

    private double distance(BigDecimal given, BigDecimal actual) {
        return whole
                ? given.subtract(actual).abs().doubleValue()
                : Math.abs(given.doubleValue() - actual.doubleValue());
    }

    /** The number that was answered; empty for one that is not finite, or of which the journal has kept only what is near. */
    private Optional<BigDecimal> exact(Object answer) {
        return switch (answer) {
            case BigInteger number -> Optional.of(new BigDecimal(number));
            case Double number
            when Double.isFinite(number) && !(whole && Math.abs(number) >= AnswerValues.EXACT) ->
                Optional.of(new BigDecimal(number));
            default -> Optional.empty();
        };
    }

    private static MeasuredLoss rightOrWrong(boolean right) {
        return new MeasuredLoss(right ? 0 : 1, MeasuredLoss.Kind.CLASS);
    }

    private Optional<MeasuredLoss> classLoss(List<Object> answer, String label) {
        if (!scores && answer.size() == 1) {
            int chosen = chosen(answer.getFirst());
            return chosen < 0 ? Optional.empty() : Optional.of(rightOrWrong(chosen == index(label)));
        }
        double[] numbers = answer.stream()
                .mapToDouble(value -> value instanceof Number number ? number.doubleValue() : Double.NaN)
                .toArray();
        return Arrays.stream(numbers).allMatch(Double::isFinite)
                ? Optional.of(rightOrWrong(Loss.ZERO_ONE.of(numbers, index(label)) == 0))
                : Optional.empty();
    }

    /** The text that was answered, if it is one. A number that is not finite may be the name of a class too. */
    private Optional<String> text(List<Object> answer) {
        if (answer.size() != 1) {
            return Optional.empty();
        }
        return switch (answer.getFirst()) {
            case String text -> Optional.of(text);
            case Double number when texts && !Double.isFinite(number) -> Optional.of(String.valueOf(number));
            default -> Optional.empty();
        };
    }

    /** The place of the only class that an answer is; negative if it is none, or if several are as near to it. */
    private int chosen(Object answer) {
        int found = -1;
        for (int i = 0; i < classes.size(); i++) {
            Optional<BigDecimal> own = values.get(i);
            boolean is =
                    switch (answer) {
                        case BigInteger number ->
                            own.filter(one -> one.compareTo(new BigDecimal(number)) == 0)
                                    .isPresent();
                        case Double number ->
                            own.filter(one -> one.doubleValue() == number).isPresent();
                        default -> false;
                    };
            if (is && found >= 0) {
                return -1;
            }
            found = is ? i : found;
        }
        return found;
    }

    /** The place of the class that a label names; negative if it names none. */
    private int index(String label) {
        int exact = classes.indexOf(label);
        if (exact >= 0 || strings) {
            return exact;
        }
        Optional<BigDecimal> value = value(label, truths);
        for (int i = 0; value.isPresent() && i < classes.size(); i++) {
            if (values.get(i).filter(own -> own.compareTo(value.get()) == 0).isPresent()
                    && !(WrittenNumber.isDigits(classes.get(i)) && isNear(label, value.get()))) {
                return i;
            }
        }
        return -1;
    }

    /** Whether a label may have been another whole number before it was read as a double: JSON's fractions and exponents are. */
    private static boolean isNear(String label, BigDecimal value) {
        return !WrittenNumber.isDigits(label) && Math.abs(value.doubleValue()) >= AnswerValues.EXACT;
    }

    /** What the name of a class or a label stands for: a truth in any spelling, or a number. */
    private static Optional<BigDecimal> value(String text, boolean truths) {
        if (truths && text.equalsIgnoreCase("true")) {
            return Optional.of(BigDecimal.ONE);
        }
        return truths && text.equalsIgnoreCase("false") ? Optional.of(BigDecimal.ZERO) : WrittenNumber.of(text);
    }

    private static boolean areTruths(List<String> classes) {
        return !classes.isEmpty()
                && classes.size() <= TRUTHS.size()
                && classes.stream()
                                .map(name -> name.toLowerCase(Locale.ROOT))
                                .distinct()
                                .count()
                        == classes.size()
                && classes.stream().allMatch(name -> name.equalsIgnoreCase("false") || name.equalsIgnoreCase("true"));
    }
}
