package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.graph.GraphNode.Branch;
import dev.tidemill.inference.graph.GraphNode.Condition;
import dev.tidemill.platform.errors.TidemillException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The first branch whose condition holds. */
record SwitchRouter(List<Branch> all) implements Router {
    @Override
    public int[] branches(List<Tensor> given) {
        int[] branches = new int[given.getFirst().rows()];
        for (int row = 0; row < branches.length; row++) {
            branches[row] = branch(given, row);
        }
        return branches;
    }

    private int branch(List<Tensor> given, int row) {
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).when().isEmpty() || holds(all.get(i).when().get(), given, row)) {
                return i;
            }
        }
        throw TidemillException.invalid(
                "inputs",
                "Row " + row + " fits no branch of the graph: "
                        + all.stream().map(Branch::name).toList());
    }

    private static boolean holds(Condition condition, List<Tensor> given, int row) {
        Tensor column = Tensor.named(given, condition.column())
                .filter(Tensor::isColumn)
                .orElseThrow(() -> TidemillException.invalid(
                        "inputs", "The graph asks for a column '" + condition.column() + "', which is not there"));
        Object value = column.value(row);
        if (condition.test() == GraphNode.Test.MISSING) {
            return value == null || value.equals("");
        }
        if (value == null) {
            return false;
        }
        return switch (condition.test()) {
            case IN -> condition.values().stream().anyMatch(wanted -> same(wanted, value, column, row));
            case BELOW -> column.number(row) < (Double) condition.values().getFirst();
            default -> column.number(row) >= (Double) condition.values().getFirst();
        };
    }

    /** Numbers are compared as numbers: 1, 1.0 and "1" are the same. */
    private static boolean same(Object wanted, Object value, Tensor column, int row) {
        if (column.datatype() == Datatype.BYTES || value instanceof Boolean) {
            return String.valueOf(wanted).equals(String.valueOf(value));
        }
        Double number = number(wanted);
        return number != null && number == column.number(row);
    }

    /** What a value is as a number; null if it is none. */
    static @Nullable Double number(Object wanted) {
        try {
            return Double.valueOf(String.valueOf(wanted));
        } catch (NumberFormatException e) {
            return null;
        }
    }

    @Override
    public List<TensorSpec> columns() {
        return all.stream()
                .flatMap(branch -> branch.when().stream())
                .map(condition -> Stages.asked(condition.column(), isText(condition)))
                .toList();
    }

    private static boolean isText(Condition condition) {
        return condition.test() == GraphNode.Test.IN
                && condition.values().stream().anyMatch(one -> number(one) == null);
    }
}
