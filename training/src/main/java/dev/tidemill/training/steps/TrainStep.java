package dev.tidemill.training.steps;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepDraft;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.training.domain.Trained;
import dev.tidemill.training.mlflow.ModelFolder;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * {@code training.xgboost}: trains one model as a tracked run. Every input that is not one of its own is a parameter of the
 * trainer, so that a matrix over parameters is a grid search.
 */
public final class TrainStep implements StepKind {
    private static final Set<String> OWN =
            Set.of("data", "target", "time", "holdout", "exclude", "objective", "experiment", "parameters");
    private static final String LEFT_OUT = "tidemill.columns_left_out";
    /** Characters of a tag that tracking takes. */
    private static final int MOST_OF_TAG = 5_000;

    private static final Set<String> PARAMETERS = Set.of(
            "max_depth",
            "learning_rate",
            "rounds",
            "min_child_weight",
            "subsample",
            "colsample_bytree",
            "gamma",
            "lambda",
            "alpha",
            "max_bin");

    private final DataSets dataSets;
    private final Tracking tracking;
    private final BlobStore blobs;
    private final ArtifactTree tree;
    private final ChildPool children;
    private final Clock clock;

    public TrainStep(
            DataSets dataSets, Tracking tracking, BlobStore blobs, ArtifactTree tree, ChildPool children, Clock clock) {
        this.dataSets = dataSets;
        this.tracking = tracking;
        this.blobs = blobs;
        this.tree = tree;
        this.children = children;
        this.clock = clock;
    }

    @Override
    public String name() {
        return "training.xgboost";
    }

    @Override
    public Inputs inputs() {
        var optional = new java.util.TreeSet<>(OWN);
        optional.addAll(PARAMETERS);
        optional.removeAll(Set.of("data", "target"));
        return new Inputs(Set.of("data", "target"), optional);
    }

    @Override
    public void check(StepDraft step) {
        NamedColumns.check(dataSets, step, List.of("target", "time", "exclude"));
    }

    @Override
    public Map<String, Object> run(StepContext context) {
        DataSetVersion data = dataSets.version(context.project(), context.text("data"));
        Map<String, Object> parameters = parameters(context);
        Run run = tracking.start(
                context.project(),
                context.optionalText("experiment").orElse(context.step().replaceAll("\\..*", "")),
                context.step(),
                context.key(),
                context.actor());
        tracking.log(
                context.project(),
                run.id(),
                texts(parameters),
                Map.of(
                        "data",
                        data.reference(),
                        "pipeline.run",
                        context.run().value(),
                        "pipeline.step",
                        context.step()),
                List.of());
        try {
            Trained trained = train(context, data, parameters, run);
            return Map.of("trained", trained.toMap(), "error", trained.error());
        } catch (TidemillException e) {
            tracking.finish(
                    context.project(), run.id(), Run.Status.FAILED, Optional.empty(), context.key(), context.actor());
            throw e;
        }
    }

    private Trained train(StepContext context, DataSetVersion data, Map<String, Object> parameters, Run run) {
        var points = new ArrayList<MetricPoint>();
        JsonNode answer = children.run(
                "training.xgboost",
                request(context, data, parameters),
                new Report(context, points, clock),
                context.timeout());
        Signature signature = Json.read(answer.path("signature").toString(), Signature.class);
        Folder folder = Folder.store(
                blobs,
                ModelFolder.files(
                        Base64.getDecoder().decode(answer.path("trees").asText()),
                        Base64.getDecoder().decode(answer.path("encoding").asText()),
                        Json.write(answer.path("profile")).getBytes(java.nio.charset.StandardCharsets.UTF_8),
                        signature,
                        map(answer.path("example"))));
        tree.take(context.project(), folder);
        Map<String, Object> metrics = map(answer.path("metrics"));
        metrics.forEach(
                (name, value) -> points.add(new MetricPoint(name, 0, clock.instant(), ((Number) value).doubleValue())));
        tracking.log(context.project(), run.id(), Map.of(), leftOut(answer.path("leftOut")), points);
        tracking.finish(
                context.project(),
                run.id(),
                Run.Status.FINISHED,
                Optional.of(folder.digest().value()),
                context.key(),
                context.actor());
        context.log("error " + answer.path("error") + ", model " + folder.digest());
        return new Trained(
                run.id().value(),
                folder.digest().value(),
                answer.path("error").asDouble(),
                parameters,
                metrics,
                map(answer.path("signature")),
                data.reference(),
                data.digest(),
                answer.path("until").asText());
    }

    private ObjectNode request(StepContext context, DataSetVersion data, Map<String, Object> parameters) {
        ObjectNode request = Json.object();
        dataSets.files(data).stream()
                .sorted()
                .forEach(file -> request.withArray("files").add(file.toString()));
        request.put("target", context.text("target"));
        request.put("time", context.optionalText("time").orElse(""));
        request.put("objective", context.optionalText("objective").orElse(""));
        request.put("holdout", context.duration("holdout").orElse(Duration.ZERO).toString());
        context.list("exclude").forEach(column -> request.withArray("exclude").add(String.valueOf(column)));
        request.set("parameters", Json.tree(parameters));
        return request;
    }

    private static Map<String, Object> parameters(StepContext context) {
        var parameters = new TreeMap<String, Object>(context.map("parameters"));
        context.inputs().forEach((name, value) -> {
            if (!OWN.contains(name)) {
                parameters.put(name, value);
            }
        });
        return parameters;
    }

    private static Map<String, String> texts(Map<String, Object> values) {
        var texts = new TreeMap<String, String>();
        values.forEach((name, value) -> texts.put(name, String.valueOf(value)));
        return texts;
    }

    /** Which columns the model has not learned from, and why, as a tag; none where it has learned from all. */
    private static Map<String, String> leftOut(JsonNode columns) {
        return columns.isEmpty()
                ? Map.of()
                : Map.of(
                        LEFT_OUT,
                        StorableText.cut(
                                columns.properties().stream()
                                        .map(column -> column.getKey() + ": "
                                                + column.getValue().asText())
                                        .collect(Collectors.joining("\n")),
                                MOST_OF_TAG));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(JsonNode node) {
        return new LinkedHashMap<>((Map<String, Object>) Json.read(node.toString(), Map.class));
    }

    private record Report(StepContext context, List<MetricPoint> points, Clock clock) implements ChildTask.Report {
        @Override
        public void log(String line) {
            context.log(line);
        }

        @Override
        public void metric(String key, long step, double value) {
            points.add(new MetricPoint(key, step, clock.instant(), value));
        }

        @Override
        public void progress(long done, long total) {
            context.progress(done, total);
        }
    }
}
