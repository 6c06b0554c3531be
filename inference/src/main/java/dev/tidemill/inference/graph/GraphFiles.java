package dev.tidemill.inference.graph;

import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.Signature;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A graph as a model's folder, so that it has versions, aliases and deployments as any model has. */
public final class GraphFiles {
    /** The flavor by which a graph's folder is known. */
    public static final String FLAVOR = "tidemill_graph";

    static final String GRAPH = "tidemill/graph.json";

    private GraphFiles() {}

    /**
     * The folder's files.
     *
     * @param graph every model with its version
     * @param signature what it takes and gives; none where that is not known
     */
    public static Map<String, byte[]> of(GraphNode graph, Optional<Signature> signature) {
        String told = signature
                .map(known -> "signature:\n  inputs: '" + fields(known.inputs()) + "'\n  outputs: '"
                        + fields(known.outputs()) + "'\n")
                .orElse("");
        return Map.of(
                "MLmodel",
                ("flavors:\n  " + FLAVOR + ":\n    data: " + GRAPH + "\n" + told).getBytes(StandardCharsets.UTF_8),
                GRAPH,
                Json.write(GraphParser.plain(graph)).getBytes(StandardCharsets.UTF_8));
    }

    private static String fields(List<Signature.Field> fields) {
        List<Map<String, Object>> list = new ArrayList<>();
        for (Signature.Field field : fields) {
            list.add(Map.of("type", field.type(), "name", field.name(), "required", false));
        }
        // A single quote is doubled inside YAML's single quotes.
        return Json.write(list).replace("'", "''");
    }
}
