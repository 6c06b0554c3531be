package dev.tidemill.inference.graph;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.Signature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A graph as a model's folder, so that it has versions, aliases and deployments as any model has. */
public final class GraphFiles {
    /** The flavor by which a graph's folder is known. */
    public static final String FLAVOR = "tidemill_graph";

    private static final String GRAPH = "tidemill/graph.json";
    private static final ObjectMapper MAPPER = new ObjectMapper();

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

    /**
     * The graph that a model's folder holds.
     *
     * @return empty if it holds another kind of model
     * @throws TidemillException {@code FAILED_PRECONDITION} if the graph is not understood
     */
    public static Optional<GraphNode> read(ModelFolder folder) {
        if (!folder.description().flavors().containsKey(FLAVOR)) {
            return Optional.empty();
        }
        try {
            return Optional.of(GraphParser.parse("graph", MAPPER.readValue(folder.read(GRAPH), Object.class)));
        } catch (IOException | TidemillException e) {
            throw folder.unusable("its graph is not understood: " + e.getMessage())
                    .causedBy(e);
        }
    }

    private static String fields(List<Signature.Field> fields) {
        List<Map<String, Object>> list = new ArrayList<>();
        for (Signature.Field field : fields) {
            list.add(Map.of("type", field.type(), "name", field.name(), "required", !field.optional()));
        }
        // A single quote is doubled inside YAML's single quotes.
        return Json.write(list).replace("'", "''");
    }
}
