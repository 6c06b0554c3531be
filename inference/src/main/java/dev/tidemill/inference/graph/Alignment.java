package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;

/**
 * Puts what several stages answer into one order, so that only what is the same is put together: outputs by their names, and scores
 * by the classes that they are of. Of stages with a single output each it does not matter how each calls it. For one call.
 */
final class Alignment {
    private final String what;
    private final List<String> classes;
    private List<String> names;
    private boolean answered;

    private Alignment(String what, List<String> names, List<String> classes) {
        this.what = what;
        this.names = names;
        this.classes = classes;
    }

    /**
     * Of the answers to one call.
     *
     * @param what the stages are, for whoever reads a refusal
     */
    static Alignment of(String what, List<Stage> stages) {
        return new Alignment(what, names(stages.getFirst()), classes(stages));
    }

    /**
     * Refuses stages of which it is known that their answers do not belong together.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if they have other outputs or other classes, in whatever order
     */
    static void require(String what, List<Stage> stages) {
        List<List<String>> outputs = stages.stream()
                .map(Alignment::names)
                .filter(names -> !names.isEmpty())
                .toList();
        for (List<String> names : outputs) {
            if (!fit(outputs.getFirst(), names)) {
                throw differ(what, "have different outputs", outputs.getFirst(), names);
            }
        }
        List<String> classes = classes(stages);
        for (Stage stage : stages) {
            if (!stage.classes().isEmpty() && !isSameSet(classes, stage.classes())) {
                throw differ(what, "tell different classes apart", classes, stage.classes());
            }
        }
    }

    /** The classes of the first stage that names them. */
    static List<String> classes(List<Stage> stages) {
        return stages.stream()
                .map(Stage::classes)
                .filter(classes -> !classes.isEmpty())
                .findFirst()
                .orElse(List.of());
    }

    /** What the classes of all stages are; unknown where they are not the same. */
    static ClassType classType(List<Stage> stages) {
        ClassType first = stages.getFirst().classType();
        return stages.stream().allMatch(stage -> stage.classType() == first) ? first : ClassType.UNKNOWN;
    }

    /**
     * An answer in the order of those before it; the first in the order that its stage declares.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if it is another
     */
    List<Tensor> aligned(Stage stage, List<Tensor> answer) {
        List<String> given = answer.stream().map(Tensor::name).toList();
        if (!fit(names, given)) {
            if (answered) {
                throw differ(what, "answer differently", names, given);
            }
            names = given;
        }
        answered = true;
        List<Tensor> ordered = answer;
        if (names.size() == 1) {
            ordered = List.of(
                    answer.getFirst().as(names.getFirst(), answer.getFirst().shape()));
        } else if (!names.equals(given)) {
            ordered = names.stream()
                    .map(name -> Tensor.named(answer, name).orElseThrow())
                    .toList();
        }
        List<String> own = stage.classes();
        return own.isEmpty() || own.equals(classes)
                ? ordered
                : ordered.stream().map(output -> inOrder(output, own)).toList();
    }

    /** An output whose scores stand in the common order; any other as it is. */
    private Tensor inOrder(Tensor output, List<String> own) {
        int width = output.width();
        if (width != own.size()) {
            if (isScore(output)) {
                throw differ(
                        what,
                        "order their classes differently, and '" + output.name() + "' tells one score of them",
                        classes,
                        own);
            }
            return output;
        }
        int[] from = classes.stream().mapToInt(own::indexOf).toArray();
        double[] values = new double[output.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = output.number(i - i % width + from[i % width]);
        }
        return Tensor.numbers(output.name(), output.datatype(), output.shape(), values);
    }

    /** Whether it is a number for each row that is no class by itself. */
    private static boolean isScore(Tensor output) {
        return output.datatype() == Datatype.FP16
                || output.datatype() == Datatype.BF16
                || output.datatype() == Datatype.FP32
                || output.datatype() == Datatype.FP64;
    }

    private static List<String> names(Stage stage) {
        return stage.outputs().stream().map(TensorSpec::name).toList();
    }

    private static boolean fit(List<String> some, List<String> others) {
        return some.size() == others.size() && (some.size() == 1 || isSameSet(some, others));
    }

    private static boolean isSameSet(List<String> some, List<String> others) {
        return some.size() == others.size() && new HashSet<>(some).equals(new HashSet<>(others));
    }

    private static TidemillException differ(String what, String how, List<String> some, List<String> others) {
        return new TidemillException(
                        ErrorCode.FAILED_PRECONDITION, what + " " + how + ": " + shown(some) + " and " + shown(others))
                .remedy("Put models together that answer alike, or use 'combine: concat'");
    }

    private static String shown(List<String> names) {
        return names.size() <= MOST_SHOWN
                ? names.toString()
                : Arrays.toString(names.subList(0, MOST_SHOWN).toArray()) + "...";
    }

    private static final int MOST_SHOWN = 20;
}
