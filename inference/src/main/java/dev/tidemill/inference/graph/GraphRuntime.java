package dev.tidemill.inference.graph;

import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ModelHandle;
import dev.tidemill.inference.domain.ModelLoader;
import dev.tidemill.inference.domain.ModelRuntime;
import dev.tidemill.inference.domain.ServedVersion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Graphs, as {@link GraphFiles} writes them. Their models are versions of the same project, loaded as if they were called by
 * themselves and kept as long as the graph is. Thread-safe.
 */
public final class GraphRuntime implements ModelRuntime {
    private final ModelCatalog catalog;
    private final Supplier<ModelLoader> loader;
    private final Function<ServedVersion, Boolean> isGraph;

    /**
     * @param loader of the models, which does not exist yet when runtimes are made
     * @param isGraph whether a version is itself a graph: one that was applied holds none, and of others none may wait for itself
     */
    public GraphRuntime(ModelCatalog catalog, Supplier<ModelLoader> loader, Function<ServedVersion, Boolean> isGraph) {
        this.catalog = catalog;
        this.loader = loader;
        this.isGraph = isGraph;
    }

    @Override
    public Optional<LoadedModel> open(ModelFolder folder) {
        Optional<GraphNode> read = GraphFiles.read(folder);
        if (read.isEmpty()) {
            return Optional.empty();
        }
        GraphNode graph = read.get();
        Map<GraphNode.Model, ModelHandle> handles = new LinkedHashMap<>();
        try {
            for (GraphNode.Model model : graph.models().distinct().toList()) {
                handles.put(model, loader.get().acquire(version(folder, model)));
            }
            Stage stage = Stages.of(graph, model -> java.util.Objects.requireNonNull(handles.get(model)));
            return Optional.of(new GraphModel(stage, List.copyOf(handles.values())));
        } catch (RuntimeException | Error e) {
            new ArrayList<>(handles.values()).forEach(ModelHandle::close);
            throw e;
        }
    }

    private ServedVersion version(ModelFolder folder, GraphNode.Model model) {
        ServedVersion version = catalog.find(folder.version().project(), model.name(), model.version())
                .orElseThrow(() -> folder.unusable("there is no model " + model.reference()));
        if (isGraph.apply(version)) {
            throw folder.unusable("its model " + model.reference() + " is a graph itself");
        }
        return version;
    }
}
