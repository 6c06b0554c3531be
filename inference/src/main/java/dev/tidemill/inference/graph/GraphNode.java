package dev.tidemill.inference.graph;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A part of a declared graph. */
public sealed interface GraphNode {
    /** The models below, in the order in which they are written. */
    Stream<Model> models();

    /**
     * A registered model.
     *
     * @param version its number or alias; none for the newest
     */
    record Model(String name, Optional<String> version) implements GraphNode {
        @Override
        public Stream<Model> models() {
            return Stream.of(this);
        }

        /** As it is written: {@code name}, {@code name/3} or {@code name@alias}. */
        String reference() {
            return name
                    + version.map(text -> (text.matches("\\d+") ? "/" : "@") + text)
                            .orElse("");
        }
    }

    /**
     * One after the other, each with what the one before gave.
     *
     * @param both whether each also gets what the request brought
     */
    record Sequence(List<GraphNode> parts, boolean both) implements GraphNode {
        @Override
        public Stream<Model> models() {
            return parts.stream().flatMap(GraphNode::models);
        }
    }

    /** Each row goes to the first branch whose condition holds for it. */
    record Switch(List<Branch> branches) implements GraphNode {
        @Override
        public Stream<Model> models() {
            return branches.stream().flatMap(branch -> branch.then().models());
        }
    }

    /**
     * A branch of a switch.
     *
     * @param name as the route is told
     * @param when none for what is left
     */
    record Branch(String name, Optional<Condition> when, GraphNode then) {}

    /**
     * What must hold of a row.
     *
     * @param values to be one of, for {@link Test#IN}; else one value, or none for {@link Test#MISSING}
     */
    record Condition(String column, Test test, List<Object> values) {}

    /** Kinds of conditions. */
    enum Test {
        IN,
        BELOW,
        AT_LEAST,
        MISSING
    }

    /**
     * Shares rows out by weight. The same row, or the same value of a column, always takes the same way.
     *
     * @param by a column; none for the whole row
     */
    record Split(List<Share> shares, Optional<String> by) implements GraphNode {
        @Override
        public Stream<Model> models() {
            return shares.stream().flatMap(share -> share.to().models());
        }
    }

    /** One way of a split. */
    record Share(String name, double weight, GraphNode to) {}

    /**
     * All are asked, and their answers become one.
     *
     * @param weights one for each member; none for equal ones
     */
    record Ensemble(List<GraphNode> members, Combination combination, List<Double> weights) implements GraphNode {
        @Override
        public Stream<Model> models() {
            return members.stream().flatMap(GraphNode::models);
        }
    }

    /** How answers become one. */
    enum Combination {
        MEAN,
        MEDIAN,
        MIN,
        MAX,
        VOTE,
        CONCAT
    }
}
