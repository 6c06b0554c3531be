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
import dev.tidemill.platform.errors.TidemillException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EnsembleStageTest {
    private static final List<Tensor> GIVEN =
            List.of(Tensor.numbers("x", Datatype.FP64, new long[] {2}, new double[] {1, 2}));

    /** Answers with what a function makes of the rows. */
    private record Member(UnaryOperator<Tensor> function, boolean isElsewhere) implements Stage {
        @Override
        public List<TensorSpec> inputs() {
            return List.of(TensorSpec.column("x", Datatype.FP64, false));
        }

        @Override
        public List<TensorSpec> outputs() {
            return List.of(TensorSpec.column("y", Datatype.FP64, false));
        }

        @Override
        public List<String> classes() {
            return List.of();
        }

        @Override
        public ClassType classType() {
            return ClassType.UNKNOWN;
        }

        @Override
        public boolean answersScores() {
            return false;
        }

        @Override
        public boolean chooses() {
            return false;
        }

        @Override
        public Flow answer(List<Tensor> given, CallContext context) {
            return new Flow(List.of(function.apply(given.getFirst())), List.of());
        }
    }

    private static Stage constant(double... values) {
        return new Member(given -> Tensor.numbers("y", Datatype.FP64, new long[] {values.length}, values), false);
    }

    private static Stage ensemble(Combination combination, List<Double> weights, Stage... members) {
        List<GraphNode> nodes = IntStream.range(0, members.length)
                .<GraphNode>mapToObj(i -> new GraphNode.Model("m" + i, Optional.empty()))
                .toList();
        return new EnsembleStage(new Ensemble(nodes, combination, weights), List.of(members));
    }

    private static double[] numbers(Stage stage) {
        Tensor answer = stage.answer(GIVEN, CallContext.NONE).tensors().getFirst();
        return IntStream.range(0, answer.size()).mapToDouble(answer::number).toArray();
    }

    @Test
    void numbersAreCombinedElementByElement() {
        Stage[] members = {constant(1, 8), constant(2, 2), constant(6, 5)};
        assertThat(numbers(ensemble(Combination.MEAN, List.of(), members))).containsExactly(3, 5);
        assertThat(numbers(ensemble(Combination.MEAN, List.of(1.0, 1.0, 0.0), members)))
                .containsExactly(1.5, 5);
        assertThat(numbers(ensemble(Combination.MEDIAN, List.of(), members))).containsExactly(2, 5);
        assertThat(numbers(ensemble(Combination.MIN, List.of(), members))).containsExactly(1, 2);
        assertThat(numbers(ensemble(Combination.MAX, List.of(), members))).containsExactly(6, 8);
        assertThat(numbers(ensemble(Combination.VOTE, List.of(), constant(1, 2), constant(2, 2), constant(1, 3))))
                .containsExactly(1, 2);
    }

    @Test
    void concatenatedAnswersAreNamedByTheirMember() {
        assertThat(ensemble(Combination.CONCAT, List.of(), constant(1, 2), constant(3, 4))
                        .answer(GIVEN, CallContext.NONE)
                        .tensors())
                .extracting(Tensor::name)
                .containsExactly("m0.y", "m1.y");
    }

    @Test
    void membersElsewhereAreAskedAtTheSameTime() {
        var together = new CyclicBarrier(3);
        UnaryOperator<Tensor> waits = given -> {
            try {
                together.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
                throw new IllegalStateException("the others were not asked meanwhile", e);
            }
            return given.as("y", given.shape());
        };
        Stage asked = ensemble(
                Combination.MEAN, List.of(), new Member(waits, true), new Member(waits, true), new Member(waits, true));
        assertThat(asked.isElsewhere()).isTrue();
        assertThat(numbers(asked)).containsExactly(1, 2);
    }

    @Test
    void whatOneElsewhereRefusesIsToldAsItWas() {
        Stage refuses = new Member(
                given -> {
                    throw TidemillException.invalid("x", "not this one");
                },
                true);
        assertThatThrownBy(() -> ensemble(Combination.MEAN, List.of(), constant(1, 2), refuses)
                        .answer(GIVEN, CallContext.NONE))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("not this one");
    }

    /** A model in another process fails at once, and one in this process goes on: its model must not be closed yet. */
    @Test
    void nobodyIsLeftBehindInAModel() {
        var begun = new CountDownLatch(1);
        var inside = new AtomicBoolean();
        Stage slow = new Member(
                given -> {
                    inside.set(true);
                    begun.countDown();
                    LockSupport.parkNanos(200_000_000L);
                    inside.set(false);
                    return given.as("y", given.shape());
                },
                true);
        Stage refuses = new Member(
                given -> {
                    try {
                        begun.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    throw TidemillException.invalid("x", "not this one");
                },
                false);
        Stage both = ensemble(Combination.MEAN, List.of(), slow, refuses);
        Stage other = ensemble(Combination.MEAN, List.of(), refuses, slow);
        assertThatThrownBy(() -> other.answer(GIVEN, CallContext.NONE)).hasMessage("not this one");
        assertThat(inside).isFalse();
        assertThatThrownBy(() -> both.answer(GIVEN, CallContext.NONE)).hasMessage("not this one");
        assertThat(inside).isFalse();
    }

    @Test
    void answersOfDifferentShapesAreNotCombined() {
        assertThatThrownBy(() -> ensemble(Combination.MEAN, List.of(), constant(1, 2), constant(1))
                        .answer(GIVEN, CallContext.NONE))
                .isInstanceOf(TidemillException.class)
                .hasMessageContaining("different shapes");
    }
}
