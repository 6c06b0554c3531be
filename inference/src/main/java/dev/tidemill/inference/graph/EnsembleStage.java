package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.ColumnValues;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.graph.GraphNode.Combination;
import dev.tidemill.inference.graph.GraphNode.Ensemble;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.RequestMemory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/** Asks every member, and makes their answers one. */
record EnsembleStage(Ensemble ensemble, List<Stage> members) implements Stage {
    private static final String MEMBERS = "Members of an ensemble";

    EnsembleStage {
        if (ensemble.combination() != Combination.CONCAT) {
            Alignment.require(MEMBERS, members);
        }
    }

    @Override
    public List<TensorSpec> inputs() {
        return Stages.united(members.stream().map(Stage::inputs).toList(), List.of());
    }

    @Override
    public List<TensorSpec> outputs() {
        if (ensemble.combination() != Combination.CONCAT) {
            return members.getFirst().outputs();
        }
        List<TensorSpec> all = new ArrayList<>();
        for (int i = 0; i < members.size(); i++) {
            int member = i;
            members.get(i)
                    .outputs()
                    .forEach(spec ->
                            all.add(new TensorSpec(name(member, spec.name()), spec.datatype(), spec.shape(), false)));
        }
        return all;
    }

    private String name(int member, String output) {
        return (ensemble.members().get(member) instanceof GraphNode.Model model
                        ? model.name()
                        : Integer.toString(member))
                + "." + output;
    }

    @Override
    public List<String> classes() {
        if (ensemble.combination() != Combination.CONCAT) {
            return Alignment.classes(members);
        }
        List<String> first = members.getFirst().classes();
        return members.stream().allMatch(member -> member.classes().equals(first)) ? first : List.of();
    }

    @Override
    public ClassType classType() {
        return Alignment.classType(members);
    }

    @Override
    public boolean answersScores() {
        return members.getFirst().answersScores();
    }

    @Override
    public boolean chooses() {
        return members.stream().anyMatch(Stage::chooses);
    }

    @Override
    public boolean isElsewhere() {
        return members.stream().anyMatch(Stage::isElsewhere);
    }

    @Override
    public Flow answer(List<Tensor> given, CallContext context) {
        List<Flow> flows = flows(given, context);
        List<String> routes = List.of();
        for (Flow flow : flows) {
            routes = Stages.joined(routes, flow.routes());
        }
        if (ensemble.combination() == Combination.CONCAT) {
            List<Tensor> all = new ArrayList<>();
            for (int i = 0; i < flows.size(); i++) {
                int member = i;
                flows.get(i)
                        .tensors()
                        .forEach(tensor -> all.add(tensor.as(name(member, tensor.name()), tensor.shape())));
            }
            return new Flow(all, routes);
        }
        var alignment = Alignment.of(MEMBERS, members);
        List<List<Tensor>> answers = new ArrayList<>();
        for (int i = 0; i < flows.size(); i++) {
            answers.add(alignment.aligned(members.get(i), flows.get(i).tensors()));
        }
        List<Tensor> first = answers.getFirst();
        List<Tensor> combined = new ArrayList<>();
        for (int i = 0; i < first.size(); i++) {
            List<Tensor> same = new ArrayList<>();
            for (List<Tensor> answer : answers) {
                if (answer.get(i).size() != first.get(i).size()) {
                    throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION, MEMBERS + " answer with different shapes");
                }
                same.add(answer.get(i));
            }
            combined.add(ensemble.combination() == Combination.VOTE ? voted(same) : combined(same));
        }
        return new Flow(combined, routes);
    }

    /** What the members say; those that answer elsewhere are asked at the same time. */
    private List<Flow> flows(List<Tensor> given, CallContext context) {
        List<Supplier<Flow>> asked = members.stream()
                .<Supplier<Flow>>map(member ->
                        member.isElsewhere() ? begun(member, given, context) : () -> member.answer(given, context))
                .toList();
        List<Flow> flows = new ArrayList<>();
        Optional<RuntimeException> failure = Optional.empty();
        // All are waited for, since a model must not be closed under a call that has lost its caller.
        for (Supplier<Flow> one : asked) {
            try {
                flows.add(one.get());
            } catch (RuntimeException e) {
                failure = failure.or(() -> Optional.of(e));
            }
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
        return flows;
    }

    private static Supplier<Flow> begun(Stage member, List<Tensor> given, CallContext context) {
        var answer = CompletableFuture.supplyAsync(
                RequestMemory.carried(() -> member.answer(given, context)), Thread::startVirtualThread);
        return () -> {
            try {
                return answer.join();
            } catch (CompletionException e) {
                throw e.getCause() instanceof TidemillException coded ? coded : e;
            }
        };
    }

    private double weight(int member) {
        return ensemble.weights().isEmpty() ? 1 : ensemble.weights().get(member);
    }

    private Tensor combined(List<Tensor> answers) {
        Tensor first = answers.getFirst();
        if (answers.stream().anyMatch(answer -> answer.datatype() == Datatype.BYTES)) {
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Texts have no " + ensemble.combination() + ": " + first.name())
                    .remedy("Use 'combine: vote'");
        }
        AnswerMemory.take(AnswerMemory.weight(Datatype.FP64, first.size()));
        double[] values = new double[first.size()];
        double[] each = new double[answers.size()];
        for (int i = 0; i < values.length; i++) {
            for (int member = 0; member < each.length; member++) {
                each[member] = answers.get(member).number(i);
            }
            values[i] = switch (ensemble.combination()) {
                case MIN -> Arrays.stream(each).min().orElseThrow();
                case MAX -> Arrays.stream(each).max().orElseThrow();
                case MEDIAN -> median(each);
                default -> mean(each);
            };
        }
        return Tensor.numbers(first.name(), Datatype.FP64, first.shape(), values);
    }

    private double mean(double[] each) {
        double sum = 0;
        double weights = 0;
        for (int member = 0; member < each.length; member++) {
            sum += weight(member) * each[member];
            weights += weight(member);
        }
        return sum / weights;
    }

    private static double median(double[] each) {
        double[] sorted = each.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /** What most say; of equals what the earlier member says. */
    private Tensor voted(List<Tensor> answers) {
        Tensor first = answers.getFirst();
        int[] winners = new int[first.size()];
        for (int i = 0; i < winners.length; i++) {
            Map<String, Double> votes = new LinkedHashMap<>();
            for (int member = 0; member < answers.size(); member++) {
                votes.merge(String.valueOf(answers.get(member).value(i)), weight(member), Double::sum);
            }
            double most = votes.values().stream()
                    .mapToDouble(Double::doubleValue)
                    .max()
                    .orElseThrow();
            for (int member = answers.size() - 1; member >= 0; member--) {
                if (votes.getOrDefault(String.valueOf(answers.get(member).value(i)), 0.0) == most) {
                    winners[i] = member;
                }
            }
        }
        List<@org.jspecify.annotations.Nullable Object> values = new ArrayList<>();
        for (int i = 0; i < winners.length; i++) {
            values.add(answers.get(winners[i]).value(i));
        }
        return ColumnValues.column(first.name(), values).as(first.name(), first.shape());
    }
}
