package dev.tidemill.wires.mlflow.traces;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Limits;
import dev.tidemill.tracking.domain.TraceMetrics;
import dev.tidemill.tracking.domain.TraceMetrics.Aggregation;
import dev.tidemill.tracking.domain.TraceMetrics.Kind;
import dev.tidemill.tracking.domain.TraceMetrics.Point;
import dev.tidemill.tracking.domain.TraceMetrics.Query;
import dev.tidemill.tracking.domain.TraceMetrics.View;
import dev.tidemill.tracking.domain.Traces;
import dev.tidemill.wires.mlflow.messages.MlflowRequest;
import dev.tidemill.wires.mlflow.messages.MlflowWireRoutes;
import dev.tidemill.wires.mlflow.tracking.MlflowTrackingJson;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** MLflow's route for what is measured over many traces. */
public final class MlflowTraceMetricRoutes {
    private static final int USUAL = 1000;
    private static final int MOST = 10_000;
    private static final int MOST_AGGREGATIONS = 100;
    /** As Python writes a time of UTC without fractions. */
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern(
                    "uuuu-MM-dd'T'HH:mm:ss'+00:00'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private final Traces traces;

    public MlflowTraceMetricRoutes(Traces traces) {
        this.traces = traces;
    }

    public List<Route> routes() {
        return new MlflowWireRoutes("/3.0/mlflow")
                .post("/traces/metrics", Access.project(Resource.EXPERIMENT, Action.READ), this::metrics)
                .routes();
    }

    private ObjectNode metrics(MlflowRequest request, Caller caller) {
        List<String> experiments = request.texts("experiment_ids");
        if (experiments.isEmpty()) {
            throw MlflowRequest.missing("experiment_ids");
        }
        View view = named(View.class, "view_type", request.text("view_type"));
        String metric = request.text("metric_name");
        List<MlflowRequest> told = request.messages("aggregations");
        if (told.isEmpty()) {
            throw MlflowRequest.missing("aggregations");
        }
        if (told.size() > MOST_AGGREGATIONS) {
            throw TidemillException.invalid(
                    "aggregations",
                    "A query has at most " + MOST_AGGREGATIONS + " aggregations, this one has " + told.size());
        }
        Query query = TraceMetrics.query(
                view,
                metric,
                told.stream().map(MlflowTraceMetricRoutes::aggregation).toList(),
                request.texts("dimensions"),
                request.texts("filters"),
                request.optionalWhole("time_interval_seconds").orElse(0L),
                request.optionalWhole("start_time_ms"),
                request.optionalWhole("end_time_ms"));
        int size = Limits.pageSize(request.optionalWhole("max_results").orElse((long) USUAL), MOST);
        return MlflowTrackingJson.page(
                "data_points",
                traces.metrics(caller.project(), experiments, query, request.optionalText("page_token"), size),
                point -> point(query, point));
    }

    private static Aggregation aggregation(MlflowRequest told) {
        return new Aggregation(
                named(Kind.class, "aggregation_type", told.text("aggregation_type")),
                told.has("percentile_value")
                        ? OptionalDouble.of(told.number("percentile_value"))
                        : OptionalDouble.empty());
    }

    private static <E extends Enum<E>> E named(Class<E> type, String field, String name) {
        return Arrays.stream(type.getEnumConstants())
                .filter(constant -> constant.name().equals(name))
                .findFirst()
                .orElseThrow(() -> TidemillException.invalid(
                        field, field + " must be one of " + List.of(type.getEnumConstants()) + ", got '" + name + "'"));
    }

    private static ObjectNode point(Query query, Point point) {
        ObjectNode json = Json.object().put("metric_name", query.metric().wireName());
        if (point.bucket().isPresent() || !point.dimensions().isEmpty()) {
            ObjectNode dimensions = json.putObject("dimensions");
            point.bucket().ifPresent(bucket -> dimensions.put("time_bucket", time(bucket)));
            for (int i = 0; i < point.dimensions().size(); i++) {
                dimensions.put(
                        query.dimensions().get(i).wireName(), point.dimensions().get(i));
            }
        }
        ObjectNode values = json.putObject("values");
        point.values().forEach(values::put);
        return json;
    }

    private static String time(long millis) {
        try {
            return TIME.format(Instant.ofEpochMilli(millis));
        } catch (DateTimeException e) {
            throw TidemillException.invalid(
                            "time_interval_seconds", "An interval begins beyond all calendars: " + millis)
                    .causedBy(e);
        }
    }
}
