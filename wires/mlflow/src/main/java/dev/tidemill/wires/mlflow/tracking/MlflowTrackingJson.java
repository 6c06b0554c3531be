package dev.tidemill.wires.mlflow.tracking;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.StreamedJson;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.search.Page;
import dev.tidemill.tracking.domain.DataSetInput;
import dev.tidemill.tracking.domain.Experiment;
import dev.tidemill.tracking.domain.Lifecycle;
import dev.tidemill.tracking.domain.LoggedModel;
import dev.tidemill.tracking.domain.MetricPoint;
import dev.tidemill.tracking.domain.ModelLink;
import dev.tidemill.tracking.domain.Run;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** MLflow's messages about tracking: unset fields are left out, numbers that are no numbers travel as their names. */
public final class MlflowTrackingJson {
    private MlflowTrackingJson() {}

    static ObjectNode experiment(Experiment experiment) {
        ObjectNode json = Json.object()
                .put("experiment_id", experiment.reference())
                .put("name", experiment.name())
                .put("artifact_location", experiment.artifactLocation())
                .put("lifecycle_stage", experiment.deleted() ? "deleted" : "active")
                .put("last_update_time", experiment.updatedAt().toEpochMilli())
                .put("creation_time", experiment.createdAt().toEpochMilli());
        if (!experiment.tags().isEmpty()) {
            json.set("tags", entries(experiment.tags()));
        }
        return json;
    }

    public static ArrayNode entries(Map<String, String> texts) {
        ArrayNode list = Json.array();
        texts.forEach((key, value) -> list.addObject().put("key", key).put("value", value));
        return list;
    }

    static ObjectNode info(Run run) {
        ObjectNode json = Json.object()
                .put("run_uuid", run.id().value())
                .put("experiment_id", Long.toString(run.experimentId()))
                .put("run_name", run.name())
                .put("user_id", run.user())
                .put("status", run.status().name())
                .put("start_time", run.startedAt().toEpochMilli());
        run.endedAt().ifPresent(end -> json.put("end_time", end.toEpochMilli()));
        return json.put("artifact_uri", run.artifacts())
                .put("lifecycle_stage", run.deleted() ? "deleted" : "active")
                .put("run_id", run.id().value());
    }

    static ObjectNode run(Run run) {
        ObjectNode json = Json.object();
        json.set("info", info(run));
        ObjectNode data = json.putObject("data");
        if (!run.metrics().isEmpty()) {
            ArrayNode metrics = data.putArray("metrics");
            run.metrics().values().forEach(point -> metrics.add(metric(point)));
        }
        if (!run.params().isEmpty()) {
            data.set("params", entries(run.params()));
        }
        if (!run.tags().isEmpty()) {
            data.set("tags", entries(run.tags()));
        }
        inputs(run, json.putObject("inputs"));
        ObjectNode outputs = json.putObject("outputs");
        links(run, true)
                .forEach(link -> outputs.withArray("model_outputs")
                        .addObject()
                        .put("model_id", link.modelId())
                        .put("step", link.step()));
        return json;
    }

    private static void inputs(Run run, ObjectNode json) {
        for (DataSetInput input : run.inputs()) {
            ObjectNode entry = json.withArray("dataset_inputs").addObject();
            entry.set("tags", entries(input.tags()));
            ObjectNode dataSet = entry.putObject("dataset")
                    .put("name", input.name())
                    .put("digest", input.digest())
                    .put("source_type", input.sourceType())
                    .put("source", input.source());
            if (!input.schema().isEmpty()) {
                dataSet.put("schema", input.schema());
            }
            if (!input.profile().isEmpty()) {
                dataSet.put("profile", input.profile());
            }
        }
        links(run, false)
                .forEach(link -> json.withArray("model_inputs").addObject().put("model_id", link.modelId()));
    }

    private static List<ModelLink> links(Run run, boolean output) {
        return run.models().stream().filter(link -> link.output() == output).toList();
    }

    static ObjectNode metric(MetricPoint point) {
        ObjectNode json = Json.object().put("key", point.name());
        number(json, "value", point.value());
        return json.put("timestamp", point.recordedAt().toEpochMilli()).put("step", point.step());
    }

    private static void number(ObjectNode json, String field, double value) {
        if (Double.isNaN(value)) {
            json.put(field, "NaN");
        } else if (Double.isInfinite(value)) {
            json.put(field, value > 0 ? "Infinity" : "-Infinity");
        } else {
            json.put(field, value);
        }
    }

    static ObjectNode model(LoggedModel model) {
        ObjectNode json = Json.object();
        ObjectNode info = json.putObject("info")
                .put("model_id", model.id())
                .put("experiment_id", Long.toString(model.experimentId()))
                .put("name", model.name())
                .put("creation_timestamp_ms", model.createdAt().toEpochMilli())
                .put("last_updated_timestamp_ms", model.updatedAt().toEpochMilli())
                .put("artifact_uri", model.artifacts())
                .put("status", model.status().name());
        if (!model.modelType().isEmpty()) {
            info.put("model_type", model.modelType());
        }
        if (!model.sourceRun().isEmpty()) {
            info.put("source_run_id", model.sourceRun());
        }
        if (!model.tags().isEmpty()) {
            info.set("tags", entries(model.tags()));
        }
        ObjectNode data = json.putObject("data");
        if (!model.params().isEmpty()) {
            data.set("params", entries(model.params()));
        }
        for (LoggedModel.Measured measured : model.metrics()) {
            ObjectNode metric =
                    metric(measured.point()).put("run_id", measured.runId()).put("model_id", model.id());
            measured.dataSetName().ifPresent(name -> metric.put("dataset_name", name));
            measured.dataSetDigest().ifPresent(digest -> metric.put("dataset_digest", digest));
            data.withArray("metrics").add(metric);
        }
        return json;
    }

    public static <T> ObjectNode page(String field, Page<T> page, Function<T, ObjectNode> write) {
        ObjectNode json = Json.object();
        if (!page.items().isEmpty()) {
            ArrayNode list = json.putArray(field);
            page.items().forEach(item -> list.add(write.apply(item)));
        }
        page.next().ifPresent(token -> json.put("next_page_token", token));
        return json;
    }

    /** Writes an answer that is one list, an item at a time. */
    public static void writeAll(OutputStream out, String field, Stream<ObjectNode> items) throws IOException {
        var list = new Listing(out, field);
        items.forEach(list::add);
        list.end();
    }

    /** Writes what {@link #page} gives, an item at a time. */
    static <T> void writePage(OutputStream out, String field, Page<T> page, Function<T, ObjectNode> write)
            throws IOException {
        var list = new Listing(out, field);
        page.items().forEach(item -> list.add(write.apply(item)));
        page.next().ifPresent(list::next);
        list.end();
    }

    /**
     * An answer that is one list, and a token where another page follows, written while it is made. Without its {@link #end} it is no
     * JSON, so that a list of which an item failed is not taken for a whole one. Not thread-safe.
     */
    static final class Listing {
        private final JsonGenerator out;
        private final String field;
        private Optional<String> next = Optional.empty();
        private boolean begun;

        Listing(OutputStream out, String field) throws IOException {
            this.out = StreamedJson.generator(out);
            this.field = field;
            this.out.writeStartObject();
        }

        /** Begins the list, which else is left out where nothing is added to it. */
        void begin() {
            try {
                if (!begun) {
                    out.writeArrayFieldStart(field);
                    begun = true;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void add(ObjectNode item) {
            try {
                begin();
                out.writeTree(item);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** The token of the page after this one. */
        void next(String token) {
            next = Optional.of(token);
        }

        /** Everything has been added. */
        void end() throws IOException {
            if (begun) {
                out.writeEndArray();
            }
            if (next.isPresent()) {
                out.writeStringField("next_page_token", next.get());
            }
            out.writeEndObject();
            out.close();
        }
    }

    public static MetricPoint point(MlflowRequest metric) {
        return new MetricPoint(
                metric.presentText("key"),
                metric.optionalWhole("step").orElse(0L),
                Instant.ofEpochMilli(metric.whole("timestamp")),
                metric.number("value"));
    }

    /** Entries of key and value; a key that comes twice is refused where values must not change. */
    public static Map<String, String> texts(List<MlflowRequest> entries, boolean unique) {
        var texts = new LinkedHashMap<String, String>();
        var twice = new ArrayList<String>();
        for (MlflowRequest entry : entries) {
            String key = entry.presentText("key");
            String value = entry.node("value").asText("");
            if (texts.containsKey(key) && unique) {
                twice.add(key);
            }
            texts.put(key, value);
        }
        if (!twice.isEmpty()) {
            throw TidemillException.invalid(
                    "params",
                    "Duplicate parameter keys have been submitted: "
                            + twice.stream().map(key -> "'" + key + "'").toList()
                            + ". Please ensure the request contains only one param value per param key.");
        }
        return texts;
    }

    static Lifecycle lifecycle(MlflowRequest request, String field) {
        Optional<String> text = request.optionalText(field);
        try {
            return text.map(Lifecycle::valueOf).orElse(Lifecycle.ACTIVE_ONLY);
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid(
                    field, "Invalid value \"" + text.orElse("") + "\" for parameter '" + field + "' supplied");
        }
    }
}
