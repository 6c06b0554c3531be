package dev.tidemill.training.steps;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepDraft;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import dev.tidemill.training.domain.Incumbents;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * {@code training.evaluate}: measures a trained model on the newest held-out rows, and compares it with the champion that it
 * would replace on those of them that the champion was not trained on.
 */
public final class EvaluateStep implements StepKind {
    private static final String ENCODING = "tidemill/encoding.json";

    private final DataSets dataSets;
    private final BlobStore blobs;
    private final ChildPool children;
    private final Incumbents incumbents;

    public EvaluateStep(DataSets dataSets, BlobStore blobs, ChildPool children, Incumbents incumbents) {
        this.dataSets = dataSets;
        this.blobs = blobs;
        this.children = children;
        this.incumbents = incumbents;
    }

    @Override
    public String name() {
        return "training.evaluate";
    }

    @Override
    public Inputs inputs() {
        return new Inputs(Set.of("candidate", "data", "target", "holdout"), Set.of("time", "against"));
    }

    @Override
    public void check(StepDraft step) {
        NamedColumns.check(dataSets, step, List.of("target", "time"));
    }

    @Override
    public Map<String, Object> run(StepContext context) {
        DataSetVersion data = dataSets.version(context.project(), context.text("data"));
        ObjectNode request = Json.object();
        dataSets.files(data).stream()
                .sorted()
                .forEach(file -> request.withArray("files").add(file.toString()));
        request.put("target", context.text("target"));
        request.put("time", context.optionalText("time").orElse(""));
        request.put("holdout", context.duration("holdout").orElse(Duration.ZERO).toString());
        request.set(
                "candidate",
                files(Folder.load(
                        blobs,
                        new Digest(String.valueOf(context.map("candidate").get("folder"))))));
        context.optionalText("against")
                .flatMap(deployment -> incumbents.champion(context.project(), deployment))
                .ifPresent(champion -> addChampion(request, champion, context));
        JsonNode answer = children.run("training.evaluate", request, new Lines(context), context.timeout());
        var metrics = new LinkedHashMap<String, Object>();
        answer.properties()
                .forEach(entry -> metrics.put(entry.getKey(), entry.getValue().doubleValue()));
        return Map.of("metrics", metrics, "error", answer.path("error").doubleValue());
    }

    private void addChampion(ObjectNode request, Incumbents.Incumbent champion, StepContext context) {
        Optional<Folder> folder = champion.folder()
                .map(digest -> Folder.load(blobs, digest))
                .filter(files -> files.file(ENCODING).isPresent());
        if (folder.isEmpty()) {
            context.log("champion " + champion.reference() + " is not compared: it is no model of training.xgboost");
            return;
        }
        request.set(
                "champion",
                files(folder.get())
                        .put("reference", champion.reference())
                        .put(
                                "until",
                                champion.dataUntil().map(Instant::toString).orElse(""))
                        .put("rows", champion.rows()));
    }

    private ObjectNode files(Folder folder) {
        return Json.object().put("encoding", file(folder, ENCODING)).put("trees", file(folder, "model.json"));
    }

    private String file(Folder folder, String path) {
        return blobs.localFile(folder.file(path).orElseThrow().digest()).toString();
    }

    private record Lines(StepContext context) implements ChildTask.Report {
        @Override
        public void log(String line) {
            context.log(line);
        }

        @Override
        public void metric(String key, long step, double value) {}

        @Override
        public void progress(long done, long total) {}
    }
}
