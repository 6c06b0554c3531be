package dev.tidemill.training.steps;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.datasets.domain.DataSetVersion;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.pipelines.domain.StepContext;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.platform.children.ChildTask;
import dev.tidemill.platform.json.Json;
import dev.tidemill.training.domain.Incumbents;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** {@code training.evaluate}: measures a trained model, and the champion it would replace, on the newest held-out rows. */
public final class EvaluateStep implements StepKind {
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
                files(new Digest(String.valueOf(context.map("candidate").get("folder")))));
        context.optionalText("against")
                .flatMap(deployment -> incumbents.champion(context.project(), deployment))
                .ifPresent(champion -> request.set("champion", files(champion)));
        JsonNode answer = children.run("training.evaluate", request, new Lines(context), context.timeout());
        var metrics = new LinkedHashMap<String, Object>();
        answer.properties()
                .forEach(entry -> metrics.put(entry.getKey(), entry.getValue().doubleValue()));
        return Map.of("metrics", metrics, "error", answer.path("error").doubleValue());
    }

    private ObjectNode files(Digest digest) {
        Folder folder = Folder.load(blobs, digest);
        return Json.object()
                .put("encoding", file(folder, "tidemill/encoding.json"))
                .put("trees", file(folder, "model.json"));
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
