package dev.tidemill.inference.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GraphParserTest {
    /** A random graph as YAML would bring it. */
    private static Object random(Random chance, int depth) {
        int kind = depth > 3 ? 0 : chance.nextInt(5);
        return switch (kind) {
            case 0 ->
                Map.of(
                        "model",
                        "m" + chance.nextInt(9) + List.of("", "/3", "@best").get(chance.nextInt(3)));
            case 1 -> Map.of("sequence", several(chance, depth), "pass", chance.nextBoolean() ? "both" : "response");
            case 2 -> {
                Object when = List.of(
                                Map.of("column", "a", "equals", chance.nextInt(3)),
                                Map.of("column", "b", "in", List.of("x", "y")),
                                Map.of("column", "c", "below", chance.nextInt()),
                                Map.of("column", "d", "at-least", 0.5),
                                Map.of("column", "e", "missing", true))
                        .get(chance.nextInt(5));
                yield Map.of(
                        "switch",
                        List.of(
                                Map.of("when", when, "then", random(chance, depth + 1), "name", "first"),
                                Map.of("then", random(chance, depth + 1))));
            }
            case 3 ->
                Map.of(
                        "split",
                        List.of(
                                Map.of("weight", 1 + chance.nextInt(9), "to", random(chance, depth + 1)),
                                Map.of("weight", 0.25, "to", random(chance, depth + 1))),
                        "by",
                        "customer");
            default ->
                Map.of(
                        "ensemble",
                        several(chance, depth),
                        "combine",
                        List.of("mean", "median", "vote", "concat").get(chance.nextInt(4)));
        };
    }

    private static List<Object> several(Random chance, int depth) {
        List<Object> nodes = new ArrayList<>();
        for (int i = 0; i < 1 + chance.nextInt(3); i++) {
            nodes.add(random(chance, depth + 1));
        }
        return nodes;
    }

    @Test
    void whatIsWrittenIsReadAsTheSame() {
        var chance = new Random(11);
        for (int round = 0; round < 300; round++) {
            GraphNode graph = GraphParser.parse("graph", random(chance, 0));
            assertThat(GraphParser.parse("graph", GraphParser.plain(graph))).isEqualTo(graph);
            GraphNode fixed = GraphParser.fixed(graph, model -> new GraphNode.Model(model.name(), Optional.of("7")));
            assertThat(fixed.models()).allMatch(model -> model.reference().endsWith("/7"));
            assertThat(fixed.models().count()).isEqualTo(graph.models().count());
        }
    }

    static List<Object> wrong() {
        Object deep = Map.of("model", "m");
        for (int i = 0; i < 30; i++) {
            deep = Map.of("sequence", List.of(deep));
        }
        return List.of(
                "text",
                Map.of(),
                Map.of("model", "m", "sequence", List.of()),
                Map.of("model", "no name!"),
                Map.of("model", "m/"),
                Map.of("sequence", List.of()),
                Map.of("sequence", List.of(Map.of("model", "m")), "pass", "all"),
                Map.of("switch", List.of(Map.of("when", Map.of("column", "a"), "then", Map.of("model", "m")))),
                Map.of(
                        "switch",
                        List.of(Map.of("when", Map.of("column", "a", "below", "x"), "then", Map.of("model", "m")))),
                Map.of("split", List.of(Map.of("weight", 0, "to", Map.of("model", "m")))),
                Map.of("ensemble", List.of(Map.of("model", "m")), "combine", "product"),
                Map.of("ensemble", List.of(Map.of("model", "m")), "weights", List.of(-1)),
                Map.of("ensemble", List.of(Map.of("model", "m")), "combine", "max", "weights", List.of(1)),
                deep);
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void whatIsWrongIsNamed(Object graph) {
        assertThatThrownBy(() -> GraphParser.parse("graph", graph))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.field().orElse("")).startsWith("graph"));
    }
}
