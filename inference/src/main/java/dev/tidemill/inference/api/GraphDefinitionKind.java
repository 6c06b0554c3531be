package dev.tidemill.inference.api;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.inference.graph.GraphFiles;
import dev.tidemill.inference.graph.GraphNode;
import dev.tidemill.inference.graph.GraphParser;
import dev.tidemill.inference.graph.GraphSignature;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.registry.domain.ModelInspector;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Registrations;
import dev.tidemill.registry.domain.Signature;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code kind: InferenceGraph}: models that answer as one, registered as a model of the graph's name. */
public final class GraphDefinitionKind implements DefinitionKind<GraphNode> {
    private final ModelCatalog catalog;
    private final Registrations registrations;
    private final BlobStore blobs;
    private final ArtifactTree tree;
    private final ModelInspector inspector;

    public GraphDefinitionKind(
            ModelCatalog catalog,
            Registrations registrations,
            BlobStore blobs,
            ArtifactTree tree,
            ModelInspector inspector) {
        this.inspector = inspector;
        this.tree = tree;
        this.catalog = catalog;
        this.registrations = registrations;
        this.blobs = blobs;
    }

    @Override
    public String kind() {
        return "InferenceGraph";
    }

    @Override
    public int rank() {
        return 55;
    }

    @Override
    public GraphNode parse(String name, YamlObject document, ProjectFiles files) {
        Map<String, Object> plain = document.object("graph").plain();
        try {
            GraphNode graph = GraphParser.parse("graph", plain);
            if (graph.models().anyMatch(model -> model.name().equals(name))) {
                throw document.invalid("graph", "it holds a model of its own name, '" + name + "'");
            }
            return graph;
        } catch (TidemillException e) {
            throw document.invalid("graph", e.field().map(field -> field + ": ").orElse("") + e.message());
        }
    }

    /**
     * Fixes every model to the version that it stands for now, so that a version of the graph never changes; a model that is a
     * graph itself is replaced by that graph.
     */
    @Override
    public Prepared prepare(String project, String name, GraphNode graph, Map<String, Object> earlier) {
        GraphNode fixed = fixed(project, name, graph, earlier);
        Optional<Signature> signature = GraphSignature.of(
                fixed,
                model -> catalog.find(project, model.name(), model.version())
                        .map(found -> inspector.describe(Folder.load(blobs, found.folder())))
                        .flatMap(ModelDescription::signature));
        Folder folder = Folder.store(blobs, GraphFiles.of(fixed, signature));
        Registrations.Prepared version = registrations.prepare(
                project,
                name,
                new Registrations.Candidate(
                        folder.digest(),
                        signature.orElse(new Signature(List.of(), List.of())),
                        ModelVersion.Training.unknown(Optional.empty())));
        return applied -> {
            tree.take(project, folder);
            version.register("definition/" + kind() + "/" + name + "/" + applied.version(), applied.actor());
        };
    }

    /** What is applied earlier in the same transaction is the newest version of its name. */
    private GraphNode fixed(String project, String name, GraphNode graph, Map<String, Object> earlier) {
        return GraphParser.fixed(graph, model -> {
            String key = kind() + "/" + model.name();
            if (model.version().isEmpty() && earlier.get(key) instanceof GraphNode part) {
                var others = new HashMap<>(earlier);
                others.remove(key);
                return fixed(project, model.name(), part, others);
            }
            return catalog.find(project, model.name(), model.version())
                    .map(this::part)
                    .orElseThrow(() -> TidemillException.notFound("model", model.name())
                            .remedy("Register it before the graph '" + name + "' that asks for it"));
        });
    }

    private GraphNode part(ServedVersion version) {
        Folder folder = Folder.load(blobs, version.folder());
        return GraphFiles.read(new ModelFolder(version, inspector.describe(folder), folder, blobs))
                .orElseGet(
                        () -> new GraphNode.Model(version.model(), Optional.of(Integer.toString(version.version()))));
    }
}
