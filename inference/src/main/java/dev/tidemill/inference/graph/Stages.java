package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.InputBinding;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.graph.GraphNode.Ensemble;
import dev.tidemill.inference.graph.GraphNode.Model;
import dev.tidemill.inference.graph.GraphNode.Sequence;
import dev.tidemill.inference.graph.GraphNode.Split;
import dev.tidemill.inference.graph.GraphNode.Switch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Makes stages of a graph whose models are in memory. */
final class Stages {
    private Stages() {}

    /** @param handles the model in memory for each model of the graph */
    static Stage of(GraphNode node, Function<Model, ModelHandle> handles) {
        return switch (node) {
            case Model model -> new ModelStage(handles.apply(model));
            case Sequence sequence ->
                new SequenceStage(
                        sequence.parts().stream().map(part -> of(part, handles)).toList(), sequence.both());
            case Switch choice ->
                new RoutedStage(
                        new SwitchRouter(choice.branches()),
                        choice.branches().stream().map(GraphNode.Branch::name).toList(),
                        choice.branches().stream()
                                .map(branch -> of(branch.then(), handles))
                                .toList());
            case Split split ->
                new RoutedStage(
                        new SplitRouter(split),
                        split.shares().stream().map(GraphNode.Share::name).toList(),
                        split.shares().stream()
                                .map(share -> of(share.to(), handles))
                                .toList());
            case Ensemble ensemble ->
                new EnsembleStage(
                        ensemble,
                        ensemble.members().stream()
                                .map(member -> of(member, handles))
                                .toList());
        };
    }

    private record ModelStage(ModelHandle handle) implements Stage {
        @Override
        public List<TensorSpec> inputs() {
            return handle.model().inputs();
        }

        @Override
        public List<TensorSpec> outputs() {
            return handle.model().outputs();
        }

        @Override
        public List<String> classes() {
            return handle.model().classes();
        }

        @Override
        public ClassType classType() {
            return handle.model().classType();
        }

        @Override
        public boolean answersScores() {
            return handle.model().answersScores();
        }

        @Override
        public boolean chooses() {
            return false;
        }

        @Override
        public boolean isElsewhere() {
            return handle.model().isElsewhere();
        }

        @Override
        public Flow answer(List<Tensor> given, CallContext context) {
            return new Flow(
                    handle.predict(InputBinding.fit(handle.model().inputs(), given), context.of(handle.model())),
                    List.of());
        }
    }

    private record SequenceStage(List<Stage> parts, boolean both) implements Stage {
        @Override
        public List<TensorSpec> inputs() {
            if (!both) {
                return parts.getFirst().inputs();
            }
            List<TensorSpec> needed = new ArrayList<>();
            List<String> made = new ArrayList<>();
            for (Stage part : parts) {
                part.inputs().stream()
                        .filter(spec -> !made.contains(spec.name()))
                        .forEach(needed::add);
                part.outputs().forEach(spec -> made.add(spec.name()));
            }
            return united(List.of(needed), List.of());
        }

        @Override
        public List<TensorSpec> outputs() {
            return parts.getLast().outputs();
        }

        @Override
        public List<String> classes() {
            return parts.getLast().classes();
        }

        @Override
        public ClassType classType() {
            return parts.getLast().classType();
        }

        @Override
        public boolean answersScores() {
            return parts.getLast().answersScores();
        }

        @Override
        public boolean chooses() {
            return parts.stream().anyMatch(Stage::chooses);
        }

        @Override
        public boolean isElsewhere() {
            return parts.stream().anyMatch(Stage::isElsewhere);
        }

        @Override
        public Flow answer(List<Tensor> given, CallContext context) {
            List<Tensor> now = given;
            List<String> routes = List.of();
            for (int i = 0; i < parts.size(); i++) {
                Flow flow = parts.get(i).answer(now, context);
                routes = joined(routes, flow.routes());
                boolean last = i == parts.size() - 1;
                now = both && !last ? merged(flow.tensors(), now) : flow.tensors();
            }
            return new Flow(now, routes);
        }

        private static List<Tensor> merged(List<Tensor> newer, List<Tensor> older) {
            List<Tensor> all = new ArrayList<>(newer);
            older.stream()
                    .filter(tensor -> Tensor.named(newer, tensor.name()).isEmpty())
                    .forEach(all::add);
            return all;
        }
    }

    static List<String> joined(List<String> before, List<String> after) {
        if (before.isEmpty() || after.isEmpty()) {
            return before.isEmpty() ? after : before;
        }
        List<String> all = new ArrayList<>(before.size());
        for (int i = 0; i < before.size(); i++) {
            all.add(
                    before.get(i).isEmpty() || after.get(i).isEmpty()
                            ? before.get(i) + after.get(i)
                            : before.get(i) + " / " + after.get(i));
        }
        return all;
    }

    /**
     * What several stages take between them. Where each takes one matrix of the same shape, whatever it calls it, that is one
     * input; a column that not all take is optional.
     */
    static List<TensorSpec> united(List<List<TensorSpec>> all, List<TensorSpec> more) {
        List<List<TensorSpec>> some =
                all.stream().filter(specs -> !specs.isEmpty()).toList();
        boolean matrices = some.stream()
                .allMatch(specs -> specs.size() == 1
                        && !specs.getFirst().isColumn()
                        && specs.getFirst()
                                .shape()
                                .equals(some.getFirst().getFirst().shape()));
        Map<String, TensorSpec> union = new LinkedHashMap<>();
        if (!some.isEmpty() && matrices) {
            union.put(some.getFirst().getFirst().name(), some.getFirst().getFirst());
        } else {
            for (List<TensorSpec> specs : some) {
                for (TensorSpec spec : specs) {
                    boolean everywhere = some.stream()
                            .allMatch(others -> others.stream()
                                    .anyMatch(other -> other.name().equals(spec.name()) && !other.optional()));
                    union.putIfAbsent(spec.name(), spec.withOptional(!everywhere));
                }
            }
        }
        more.forEach(spec -> union.putIfAbsent(spec.name(), spec));
        return List.copyOf(union.values());
    }

    /** A column that a condition asks for and no model takes. */
    static TensorSpec asked(String column, boolean text) {
        return TensorSpec.column(column, text ? Datatype.BYTES : Datatype.FP64, false);
    }
}
