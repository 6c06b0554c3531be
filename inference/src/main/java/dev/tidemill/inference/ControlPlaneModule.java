package dev.tidemill.inference;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.datasets.domain.QueryEngine;
import dev.tidemill.inference.api.GraphDefinitionKind;
import dev.tidemill.inference.api.PlaneRoutes;
import dev.tidemill.inference.api.ScoringRoutes;
import dev.tidemill.inference.steps.ScoreStep;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.pipelines.domain.StepModule;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.http.Route;
import dev.tidemill.registry.domain.Registrations;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Wires what of inference stands where the database is: scoring of data sets, graphs as definitions, and what gateways ask. */
public final class ControlPlaneModule implements StepModule {
    private final List<StepKind> stepKinds;
    private final List<DefinitionKind<?>> definitionKinds;
    private final List<Route> routes;

    /**
     * @param inference the data plane of the same process
     * @param tree which project a blob of a graph belongs to
     * @param scratch folder for what scoring has under way
     * @param callers who calls, as gateways in other processes ask
     */
    public ControlPlaneModule(
            InferenceModule inference,
            BlobStore blobs,
            ArtifactTree tree,
            DataSets dataSets,
            QueryEngine engine,
            Pipelines pipelines,
            Registrations registrations,
            Authentication callers,
            Path scratch) {
        var catalog = inference.catalog();
        this.stepKinds = List.of(new ScoreStep(dataSets, engine, catalog, inference.loader(), scratch));
        this.definitionKinds =
                List.of(new GraphDefinitionKind(catalog, registrations, blobs, tree, inference.inspector()));
        this.routes = Stream.of(
                        new PlaneRoutes(inference.gateway(), catalog, blobs, inference.sink(), callers).routes(),
                        new ScoringRoutes(pipelines, dataSets, catalog).routes())
                .flatMap(List::stream)
                .toList();
    }

    @Override
    public List<StepKind> stepKinds() {
        return stepKinds;
    }

    @Override
    public List<DefinitionKind<?>> definitionKinds() {
        return definitionKinds;
    }

    @Override
    public List<Route> routes() {
        return routes;
    }
}
