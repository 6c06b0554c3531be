package dev.tidemill.inference.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.graph.GraphNode.Combination;
import dev.tidemill.inference.graph.GraphNode.Ensemble;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Only what is the same is put together: outputs of one name, and scores of one class. */
class AlignmentTest {
    private static final Tensor TWO_ROWS = Tensor.numbers("x", Datatype.FP64, new long[] {2}, new double[] {0, 1});

    /** Answers with the same numbers for each row. */
    private record Fixed(List<String> names, List<String> classes, List<double[]> rows, boolean declared)
            implements Stage {
        @Override
        public List<TensorSpec> inputs() {
            return List.of(TensorSpec.column("x", Datatype.FP64, false));
        }

        @Override
        public List<TensorSpec> outputs() {
            return !declared
                    ? List.of()
                    : IntStream.range(0, names.size())
                            .mapToObj(i -> new TensorSpec(
                                    names.get(i), Datatype.FP64, List.of(-1L, (long) rows.get(i).length), false))
                            .toList();
        }

        @Override
        public ClassType classType() {
            return ClassType.UNKNOWN;
        }

        @Override
        public boolean answersScores() {
            return true;
        }

        @Override
        public boolean chooses() {
            return false;
        }

        @Override
        public boolean isElsewhere() {
            return false;
        }

        @Override
        public Flow answer(List<Tensor> given, CallContext context) {
            int count = given.getFirst().rows();
            List<Tensor> outputs = new ArrayList<>();
            for (int i = 0; i < names.size(); i++) {
                double[] row = rows.get(i);
                double[] all = new double[count * row.length];
                for (int at = 0; at < all.length; at++) {
                    all[at] = row[at % row.length];
                }
                outputs.add(Tensor.numbers(names.get(i), Datatype.FP64, new long[] {count, row.length}, all));
            }
            return new Flow(outputs, List.of());
        }
    }

    private static Stage scores(String classes, double... row) {
        return new Fixed(List.of("scores"), List.of(classes.split("")), List.of(row), true);
    }

    private static Stage outputs(boolean declared, String first, double one, String second, double other) {
        return new Fixed(
                List.of(first, second), List.of(), List.of(new double[] {one}, new double[] {other}), declared);
    }

    private static Stage mean(Stage... members) {
        List<GraphNode> nodes = Arrays.stream(members)
                .<GraphNode>map(member -> new GraphNode.Model("m", Optional.empty()))
                .toList();
        return new EnsembleStage(new Ensemble(nodes, Combination.MEAN, List.of()), List.of(members));
    }

    /** Sends the first row to the first stage, and so on. */
    private static Stage routed(Stage... stages) {
        Router router = new Router() {
            @Override
            public int[] branches(List<Tensor> given) {
                Tensor column = given.getFirst();
                return IntStream.range(0, column.rows())
                        .map(row -> (int) column.number(row))
                        .toArray();
            }

            @Override
            public List<TensorSpec> columns() {
                return List.of();
            }
        };
        return new RoutedStage(router, List.of("first", "second"), List.of(stages));
    }

    private static List<Tensor> answer(Stage stage) {
        return stage.answer(List.of(TWO_ROWS), CallContext.NONE).tensors();
    }

    private static double[] numbers(Tensor tensor) {
        return IntStream.range(0, tensor.size()).mapToDouble(tensor::number).toArray();
    }

    @Test
    void scoresOfOneClassAreCombinedWhereverTheyStand() {
        Stage ensemble = mean(scores("abc", 1, 2, 3), scores("cab", 5, 3, 4));
        assertThat(ensemble.classes()).containsExactly("a", "b", "c");
        assertThat(numbers(answer(ensemble).getFirst())).containsExactly(2, 3, 4, 2, 3, 4);

        Stage routed = routed(scores("abc", 1, 2, 3), scores("cab", 5, 3, 4));
        assertThat(numbers(answer(routed).getFirst())).containsExactly(1, 2, 3, 3, 4, 5);
        Tensor second = Tensor.numbers("x", Datatype.FP64, new long[] {1}, new double[] {1});
        assertThat(numbers(routed.answer(List.of(second), CallContext.NONE)
                        .tensors()
                        .getFirst()))
                .as("alone, in the order that is told of the whole graph")
                .containsExactly(3, 4, 5);
    }

    @Test
    void outputsOfOneNameAreCombinedWhereverTheyStand() {
        for (boolean declared : new boolean[] {true, false}) {
            Stage first = outputs(declared, "low", 1, "high", 10);
            Stage second = outputs(declared, "high", 20, "low", 3);
            List<Tensor> combined = answer(mean(first, second));
            assertThat(combined).extracting(Tensor::name).containsExactly("low", "high");
            assertThat(numbers(combined.get(0))).containsExactly(2, 2);
            assertThat(numbers(combined.get(1))).containsExactly(15, 15);
            List<Tensor> gathered = answer(routed(first, second));
            assertThat(gathered).extracting(Tensor::name).containsExactly("low", "high");
            assertThat(numbers(gathered.get(0))).containsExactly(1, 3);
            assertThat(numbers(gathered.get(1))).containsExactly(10, 20);
        }
    }

    @Test
    void whatDiffersIsRefusedBeforeAnybodyCallsIt() {
        Stage[][] differ = {
            {scores("abc", 1, 2, 3), scores("abd", 1, 2, 3)},
            {scores("abc", 1, 2, 3), scores("ab", 1, 2)},
            {outputs(true, "low", 1, "high", 2), outputs(true, "low", 1, "top", 2)},
            {outputs(true, "low", 1, "high", 2), scores("ab", 1, 2)}
        };
        for (Stage[] stages : differ) {
            assertThatThrownBy(() -> mean(stages))
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
            assertThatThrownBy(() -> routed(stages)).hasMessageContaining("Branches of the graph");
        }
    }

    @Test
    void whatIsKnownToDifferOnlyInTheAnswerIsRefusedThen() {
        Stage ensemble = mean(outputs(false, "low", 1, "high", 2), outputs(false, "low", 1, "top", 2));
        assertThatThrownBy(() -> answer(ensemble)).hasMessageContaining("[low, high] and [low, top]");
    }

    @Test
    void aLoneScoreOfClassesInAnotherOrderIsRefused() {
        assertThatThrownBy(() -> answer(mean(scores("ab", 0.2), scores("ba", 0.7))))
                .hasMessageContaining("tells one score");
        assertThat(numbers(answer(mean(scores("ab", 2), scores("ab", 4))).getFirst()))
                .containsExactly(3, 3);
    }

    /** Whatever two frameworks call the one number of theirs. */
    @Test
    void singleOutputsNeedNoCommonName() {
        Stage one = new Fixed(List.of("variable"), List.of(), List.of(new double[] {1}), true);
        Stage other = new Fixed(List.of("prediction"), List.of(), List.of(new double[] {3}), true);
        Tensor mean = answer(mean(one, other)).getFirst();
        assertThat(mean.name()).isEqualTo("variable");
        assertThat(numbers(mean)).containsExactly(2, 2);
        assertThat(answer(routed(other, one)).getFirst().name()).isEqualTo("prediction");
    }
}
