package dev.tidemill.inference.api;

import dev.tidemill.datasets.domain.DataSetStore;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.inference.domain.ModelCatalog;
import dev.tidemill.inference.domain.ServedVersion;
import dev.tidemill.pipelines.domain.Pipeline;
import dev.tidemill.pipelines.domain.PipelineStore;
import dev.tidemill.pipelines.domain.Pipelines;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.ids.Names;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Starts batch scoring: a run of a pipeline with one step, followed and resumed like any other. */
public final class ScoringRoutes {
    private static final String PIPELINE = "batch-scoring";
    private static final Duration LONGEST = Duration.ofHours(24);

    private final Pipelines pipelines;
    private final DataSets dataSets;
    private final ModelCatalog catalog;

    public ScoringRoutes(Pipelines pipelines, DataSets dataSets, ModelCatalog catalog) {
        this.pipelines = pipelines;
        this.dataSets = dataSets;
        this.catalog = catalog;
    }

    public List<Route> routes() {
        return List.of(Route.post(
                        "/api/tidemill/v1/projects/{project}/scorings",
                        Access.project(Resource.PIPELINE, Action.WRITE),
                        this::start)
                .fields("model", "version", "data", "output", "prefix", "requestKey"));
    }

    private void start(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        String name = body.text("model");
        String project = caller.project();
        ServedVersion model = catalog.find(project, name, body.optionalText("version"))
                .orElseThrow(() -> TidemillException.notFound(
                        "model version",
                        name
                                + body.optionalText("version")
                                        .map(text -> "/" + text)
                                        .orElse("")));
        DataSetVersion data = dataSets.version(project, body.text("data"));
        String output = body.optionalText("output").orElse(data.dataSet() + "-scored");
        Names.require("output", output);
        checkOutput(project, output);
        define(project);
        context.status(201)
                .json(pipelines.start(
                        project,
                        PIPELINE,
                        Map.of(
                                "model", model.model(),
                                "version", Integer.toString(model.version()),
                                "data", data.reference(),
                                "output", output,
                                "prefix", body.optionalText("prefix").orElse("")),
                        caller.actor(),
                        Optional.empty(),
                        body.optionalText("requestKey")));
    }

    /** Rows that were imported, or that a pipeline computes, are not written over. */
    private void checkOutput(String project, String output) {
        boolean imported = dataSets.list(project).stream()
                .filter(one -> one.name().equals(output))
                .map(DataSetStore.Named::definition)
                .anyMatch(definition -> definition.source().isPresent());
        boolean computed = dataSets.versions(project, output).stream()
                .anyMatch(version -> version.sources().stream().noneMatch(source -> source.startsWith("model/")));
        if (imported || computed) {
            throw new TidemillException(
                            ErrorCode.CONFLICT, "'" + output + "' is a data set that holds rows of another origin")
                    .at("output")
                    .remedy("Name another data set for the rows with their predictions");
        }
    }

    private synchronized void define(String project) {
        var step = new Pipeline.Step(
                "score",
                "inference.score",
                List.of(),
                new TreeMap<>(Map.of(
                        "model", "${parameters.model}",
                        "version", "${parameters.version}",
                        "data", "${parameters.data}",
                        "output", "${parameters.output}",
                        "prefix", "${parameters.prefix}")),
                Map.of(),
                2,
                LONGEST,
                false);
        List<Pipeline.Parameter> parameters = List.of(
                new Pipeline.Parameter("model", Pipeline.Type.TEXT, Optional.empty()),
                new Pipeline.Parameter("version", Pipeline.Type.TEXT, Optional.of("")),
                new Pipeline.Parameter("data", Pipeline.Type.TEXT, Optional.empty()),
                new Pipeline.Parameter("output", Pipeline.Type.TEXT, Optional.empty()),
                new Pipeline.Parameter("prefix", Pipeline.Type.TEXT, Optional.of("")));
        var pipeline = new Pipeline(parameters, List.of(step));
        String digest = Ids.sha256(Json.write(pipeline));
        Optional<PipelineStore.PipelineVersion> known = pipelines.list(project).stream()
                .filter(one -> one.name().equals(PIPELINE))
                .findFirst();
        if (known.isEmpty() || !known.get().digest().equals(digest)) {
            int next = known.map(PipelineStore.PipelineVersion::version).orElse(0) + 1;
            pipelines.define(project, PIPELINE, next, digest, pipeline);
        }
    }
}
