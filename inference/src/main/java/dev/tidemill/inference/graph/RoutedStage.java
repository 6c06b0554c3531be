package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.ClassType;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorRows;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sends each row to one of several stages, and puts the answers back in the rows' order. */
record RoutedStage(Router router, List<String> names, List<Stage> stages) implements Stage {
    RoutedStage {
        Alignment.require("Branches of the graph", stages);
    }

    @Override
    public List<TensorSpec> inputs() {
        return Stages.united(stages.stream().map(Stage::inputs).toList(), router.columns());
    }

    @Override
    public List<TensorSpec> outputs() {
        return stages.getFirst().outputs();
    }

    @Override
    public List<String> classes() {
        return Alignment.classes(stages);
    }

    @Override
    public ClassType classType() {
        return Alignment.classType(stages);
    }

    @Override
    public boolean answersScores() {
        return stages.getFirst().answersScores();
    }

    @Override
    public boolean chooses() {
        return true;
    }

    @Override
    public boolean isElsewhere() {
        return stages.stream().anyMatch(Stage::isElsewhere);
    }

    @Override
    public Flow answer(List<Tensor> given, CallContext context) {
        var alignment = Alignment.of("Branches of the graph", stages);
        int[] branches = router.branches(given);
        List<Flow> flows = new ArrayList<>();
        List<int[]> taken = new ArrayList<>();
        for (int branch = 0; branch < stages.size(); branch++) {
            int[] rows = rows(branches, branch);
            if (rows.length == 0 && !(branches.length == 0 && branch == 0)) {
                continue;
            }
            List<Tensor> part = given.stream()
                    .map(tensor -> TensorRows.select(tensor, rows))
                    .toList();
            Flow flow = stages.get(branch).answer(part, context);
            String[] route = new String[rows.length];
            Arrays.fill(route, names.get(branch));
            flows.add(new Flow(
                    alignment.aligned(stages.get(branch), flow.tensors()),
                    Stages.joined(List.of(route), flow.routes())));
            taken.add(rows);
        }
        return flows.size() == 1 ? flows.getFirst() : gathered(flows, taken, branches.length);
    }

    private static int[] rows(int[] branches, int branch) {
        int[] rows = new int[branches.length];
        int count = 0;
        for (int row = 0; row < branches.length; row++) {
            if (branches[row] == branch) {
                rows[count++] = row;
            }
        }
        return Arrays.copyOf(rows, count);
    }

    private static Flow gathered(List<Flow> flows, List<int[]> taken, int count) {
        int[] order = new int[count];
        int at = 0;
        for (int[] rows : taken) {
            for (int row : rows) {
                order[row] = at++;
            }
        }
        for (Flow flow : flows) {
            AnswerMemory.take(AnswerMemory.weight(flow.tensors()));
        }
        List<Tensor> first = flows.getFirst().tensors();
        List<Tensor> gathered = new ArrayList<>();
        for (int i = 0; i < first.size(); i++) {
            int output = i;
            for (Flow flow : flows) {
                if (flow.tensors().size() != first.size()
                        || !alike(first.get(i), flow.tensors().get(i))) {
                    throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION,
                            "Branches of the graph answer differently: " + told(first) + " and "
                                    + told(flow.tensors()));
                }
            }
            gathered.add(TensorRows.select(
                    TensorRows.concatenated(flows.stream()
                            .map(flow -> flow.tensors().get(output))
                            .toList()),
                    order));
        }
        List<String> routes =
                flows.stream().flatMap(flow -> flow.routes().stream()).toList();
        List<String> ordered = new ArrayList<>(count);
        for (int row = 0; row < count; row++) {
            ordered.add(routes.get(order[row]));
        }
        return new Flow(gathered, ordered);
    }

    private static boolean alike(Tensor one, Tensor other) {
        return one.datatype().storage() == other.datatype().storage() && one.width() == other.width();
    }

    private static List<String> told(List<Tensor> tensors) {
        return tensors.stream()
                .map(tensor -> tensor.name() + " " + tensor.datatype() + Arrays.toString(tensor.shape()))
                .toList();
    }
}
