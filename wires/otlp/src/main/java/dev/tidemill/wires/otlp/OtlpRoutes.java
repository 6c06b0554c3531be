package dev.tidemill.wires.otlp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.google.protobuf.util.JsonFormat;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.ErrorStyle;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import dev.tidemill.tracking.domain.Traces;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** OpenTelemetry's protocol over HTTP for traces; the header {@code x-mlflow-experiment-id} says where they go. */
final class OtlpRoutes {
    private static final String PROTOBUF = "application/x-protobuf";
    private static final String JSON = "application/json";
    private static final String EXPERIMENT = "x-mlflow-experiment-id";

    private final Traces traces;
    private final int limit;
    private final ErrorStyle errors;

    /**
     * @param limit most bytes of a request once it is unpacked
     * @param common how everything is refused but what is wrong with the packing, as MLflow's server does
     */
    OtlpRoutes(Traces traces, int limit, ErrorStyle common) {
        this.traces = traces;
        this.limit = limit;
        this.errors = (context, error, requestId) -> {
            if (error.field().equals(Optional.of("Content-Encoding"))) {
                refuse(context, error.code().httpStatus(), new TextNode(error.message()));
            } else {
                common.write(context, error, requestId);
            }
        };
    }

    List<Route> routes() {
        return List.of(new Route(
                HandlerType.POST,
                "/v1/traces",
                Access.project(Resource.EXPERIMENT, Action.WRITE),
                Route.ProjectSource.HEADER,
                this::answer,
                errors));
    }

    private void answer(Context context, Caller caller) throws IOException {
        try {
            ingest(context, caller);
        } catch (OtlpRefusal refusal) {
            refuse(context, refusal.status(), refusal.detail());
        }
    }

    private static void refuse(Context context, int status, JsonNode detail) {
        var answer = Json.object();
        answer.set("detail", detail);
        context.status(status).result(Json.write(answer)).contentType(JSON);
    }

    private static OtlpRefusal noExperiment() {
        var detail = Json.array();
        var missing = detail.addObject().put("type", "missing");
        missing.putArray("loc").add("header").add(EXPERIMENT);
        missing.put("msg", "Field required").putNull("input");
        return new OtlpRefusal(422, detail);
    }

    private void ingest(Context context, Caller caller) throws IOException {
        String experiment = Optional.ofNullable(context.header(EXPERIMENT)).orElseThrow(OtlpRoutes::noExperiment);
        String told = String.valueOf(context.contentType());
        String type = told.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        if (!type.equals(PROTOBUF) && !type.equals(JSON)) {
            throw new OtlpRefusal(
                    400,
                    "Invalid Content-Type: " + (told.equals("null") ? "None" : told) + ". Expected: " + PROTOBUF
                            + " or " + JSON);
        }
        byte[] body = unpacked(context);
        List<Traces.Spans> spans = type.equals(JSON) ? OtlpSpans.ofJson(body) : OtlpSpans.ofProtobuf(body);
        traces.addSpans(caller.project(), experiment, spans, Optional.ofNullable(context.header("x-mlflow-run-id")));
        var answer = ExportTraceServiceResponse.getDefaultInstance();
        if (type.equals(JSON)) {
            context.result(JsonFormat.printer().print(answer)).contentType(JSON);
        } else {
            context.result(answer.toByteArray()).contentType(PROTOBUF);
        }
    }

    private byte[] unpacked(Context context) {
        byte[] body = RequestBody.read(context);
        if (body.length > limit) {
            throw new TidemillException(
                    ErrorCode.TOO_LARGE, "The request is larger than " + limit + " bytes once it is unpacked");
        }
        return body;
    }
}
