package dev.tidemill.inference.graph;

import dev.tidemill.platform.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A graph as a model's folder, so that it has versions, aliases and deployments as any model has. */
public final class GraphFiles {
    /** The flavor by which a graph's folder is known. */
    public static final String FLAVOR = "tidemill_graph";

    static final String GRAPH = "tidemill/graph.json";

    private GraphFiles() {}

    /** @param graph every model with its version */
    public static Map<String, byte[]> of(GraphNode graph) {
        return Map.of(
                "MLmodel",
                """
                flavors:
                  tidemill_graph:
                    data: tidemill/graph.json
                """.getBytes(StandardCharsets.UTF_8),
                GRAPH,
                Json.write(GraphParser.plain(graph)).getBytes(StandardCharsets.UTF_8));
    }
}
