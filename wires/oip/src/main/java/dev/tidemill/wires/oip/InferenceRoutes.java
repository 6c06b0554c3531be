package dev.tidemill.wires.oip;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.ModelName;
import dev.tidemill.inference.domain.RawTensors;
import dev.tidemill.inference.domain.ServedModel;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.AnswerBody;
import dev.tidemill.platform.http.BodyRule;
import dev.tidemill.platform.http.ClientConnection;
import dev.tidemill.platform.http.ErrorStyle;
import dev.tidemill.platform.http.HeaderText;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Json;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Open Inference Protocol V2 over REST. A model's name is its deployment's, or else the registered model's own; one of another
 * project than {@code default} is called {@code project~name}. A version is a number or an alias.
 */
public final class InferenceRoutes {
    static final List<String> EXTENSIONS = List.of(
            "model_repository",
            "model_configuration",
            "statistics",
            "binary_tensor_data",
            "classification",
            "parameters");
    static final String PREDICTION_ID = "Tidemill-Prediction-Id";
    private static final String HEADER_LENGTH = "Inference-Header-Content-Length";
    private static final String MODEL = "/v2/models/{model}";
    private static final String VERSION = MODEL + "/versions/{version}";

    private final Gateway gateway;
    private final Clock clock;
    private final ServerName server;

    public InferenceRoutes(Gateway gateway, Clock clock, ServerName server) {
        this.gateway = gateway;
        this.clock = clock;
        this.server = server;
    }

    public List<Route> routes() {
        var read = Access.project(Resource.INFERENCE, Action.READ);
        return List.of(
                        Route.get("/v2", Access.open(), (context, caller) -> send(context, serverMetadata())),
                        Route.get(
                                "/v2/health/live",
                                Access.open(),
                                (context, caller) -> send(context, Json.object().put("live", true))),
                        Route.get(
                                "/v2/health/ready",
                                Access.open(),
                                (context, caller) -> send(context, Json.object().put("ready", true))),
                        Route.get(MODEL, read, this::metadata),
                        Route.get(VERSION, read, this::metadata),
                        Route.get(MODEL + "/ready", read, this::ready),
                        Route.get(VERSION + "/ready", read, this::ready),
                        Route.get(MODEL + "/config", read, this::config),
                        Route.get(VERSION + "/config", read, this::config),
                        Route.post(MODEL + "/infer", read, this::infer).body(BodyRule.jsonAndTensors()),
                        Route.post(VERSION + "/infer", read, this::infer).body(BodyRule.jsonAndTensors()))
                .stream()
                .map(route -> route.errors(ErrorStyle.INFERENCE)
                        .project((context, principal) ->
                                ModelName.parse(context.pathParam("model")).project()))
                .toList();
    }

    private static String name(Context context) {
        return ModelName.parse(context.pathParam("model")).name();
    }

    static Optional<String> version(Context context) {
        return Optional.ofNullable(context.pathParamMap().get("version"));
    }

    /** The request's id where its body has no place for one: our header, or else the one that proxies give every request. */
    static Optional<String> predictionId(Context context) {
        return Stream.of(PREDICTION_ID, "X-Request-Id")
                .map(context::header)
                .filter(Objects::nonNull)
                .map(HeaderText::read)
                .filter(id -> !id.isBlank())
                .findFirst();
    }

    /** A request's body, unpacked as its headers say. */
    static byte[] body(Context context) {
        return RequestBody.read(context);
    }

    /** Some clients read errors and answers only under exactly this content type. */
    static void send(Context context, ObjectNode json) {
        context.result(Json.write(json)).contentType("application/json");
    }

    /** A text as a header can carry it: names that callers gave may hold anything. */
    static String headerText(String text) {
        return text.replaceAll("[^\\x20-\\x7e]", "?");
    }

    private ObjectNode serverMetadata() {
        ObjectNode json = Json.object().put("name", server.name()).put("version", server.version());
        EXTENSIONS.forEach(json.putArray("extensions")::add);
        return json;
    }

    private void metadata(Context context, Caller caller) {
        ServedModel model = gateway.model(caller.project(), name(context), version(context));
        ObjectNode json = Json.object().put("name", context.pathParam("model"));
        ArrayNode versions = json.putArray("versions");
        model.versions().forEach(number -> versions.add(Integer.toString(number)));
        json.put("platform", model.platform());
        describe(json.putArray("inputs"), model.inputs());
        describe(json.putArray("outputs"), model.outputs());
        if (!model.classes().isEmpty()) {
            model.classes().forEach(json.putObject("parameters").putArray("classes")::add);
        }
        send(context, json);
    }

    private static void describe(ArrayNode list, List<TensorSpec> specs) {
        for (TensorSpec spec : specs) {
            ArrayNode shape = list.addObject()
                    .put("name", spec.name())
                    .put("datatype", spec.datatype().name())
                    .putArray("shape");
            spec.shape().forEach(shape::add);
        }
    }

    /** Triton's configuration, as far as clients read it; no batch dimension is hidden, so the largest batch is 0. */
    private void config(Context context, Caller caller) {
        ServedModel model = gateway.model(caller.project(), name(context), version(context));
        ObjectNode json = Json.object()
                .put("name", context.pathParam("model"))
                .put("platform", model.platform())
                .put("backend", model.platform())
                .put("max_batch_size", 0);
        configure(json.putArray("input"), model.inputs());
        configure(json.putArray("output"), model.outputs());
        // Whether requests are joined, and how that is known.
        ObjectNode parameters = json.putObject("parameters");
        parameters
                .putObject("joined")
                .put("string_value", Boolean.toString(model.batching().joins()));
        parameters
                .putObject("joined_reason")
                .put("string_value", model.batching().reason());
        send(context, json);
    }

    private static void configure(ArrayNode list, List<TensorSpec> specs) {
        for (TensorSpec spec : specs) {
            ArrayNode sizes = list.addObject()
                    .put("name", spec.name())
                    .put(
                            "data_type",
                            spec.datatype() == Datatype.BYTES
                                    ? "TYPE_STRING"
                                    : "TYPE_" + spec.datatype().name())
                    .putArray("dims");
            spec.shape().forEach(sizes::add);
        }
    }

    private void ready(Context context, Caller caller) {
        if (!gateway.isReady(caller.project(), name(context), version(context))) {
            gateway.model(caller.project(), name(context), version(context));
        }
        send(context, Json.object().put("name", context.pathParam("model")).put("ready", true));
    }

    private void infer(Context context, Caller caller) throws IOException {
        byte[] body = body(context);
        Optional<Integer> header = headerLength(context, body.length);
        WireRequest wire = header.isPresent() && header.get() == 0
                ? raw(context, caller, body)
                : InferenceJson.request(body, header.orElse(body.length));
        InferenceRequest request;
        InferenceAnswer answer;
        try (var cancellation = Cancellation.of(ClientConnection.of(context), wire.timeout())) {
            request = wire.request(clock.instant(), cancellation).by(caller.actor());
            answer = wire.formed(gateway.infer(caller.project(), name(context), version(context), request));
        }
        InferenceJson.Told told = InferenceJson.told(context.pathParam("model"), wire, request, answer);
        context.header(PREDICTION_ID, HeaderText.written(request.predictionId(0)));
        if (told.isLong()) {
            told.checkTexts();
            context.contentType("application/json");
            var sent = AnswerBody.of(context);
            told.write(sent);
            sent.end();
            return;
        }
        InferenceJson.Body content = InferenceJson.answer(context.pathParam("model"), wire, request, answer);
        if (content.binary()) {
            context.header(HEADER_LENGTH, Integer.toString(content.jsonLength()));
        }
        context.contentType(content.binary() ? "application/octet-stream" : "application/json");
        context.result(content.content());
    }

    private static Optional<Integer> headerLength(Context context, int bodyLength) {
        String text = context.header(HEADER_LENGTH);
        if (text == null) {
            return Optional.empty();
        }
        if (!text.matches("\\d{1,9}") || Integer.parseInt(text) > bodyLength) {
            throw TidemillException.invalid(
                    HEADER_LENGTH,
                    "'" + text + "' in " + HEADER_LENGTH + " is not a length from 0 to the body's " + bodyLength);
        }
        return Optional.of(Integer.parseInt(text));
    }

    /** A body that is the only input's tensor and nothing else: one row, all outputs in binary form. */
    private WireRequest raw(Context context, Caller caller, byte[] body) {
        List<TensorSpec> inputs =
                gateway.model(caller.project(), name(context), version(context)).inputs();
        if (inputs.size() != 1) {
            throw new TidemillException(
                    ErrorCode.INVALID_ARGUMENT,
                    "A raw request needs a model of exactly one input; '" + context.pathParam("model") + "' has "
                            + inputs.size());
        }
        TensorSpec spec = inputs.getFirst();
        Tensor input;
        if (spec.datatype() == Datatype.BYTES) {
            input = Tensor.texts(spec.name(), new long[] {1}, new byte[][] {body});
        } else {
            int values = body.length / spec.datatype().width();
            long[] shape = spec.shape().stream().mapToLong(Long::longValue).toArray();
            if (shape.length > 0 && shape[0] < 0) {
                shape[0] = 1;
            }
            int open = -1;
            long known = 1;
            for (int i = 1; i < shape.length; i++) {
                if (shape[i] >= 0) {
                    known *= shape[i];
                } else if (open >= 0) {
                    throw new TidemillException(
                            ErrorCode.INVALID_ARGUMENT,
                            "A raw request needs a model with at most one open dimension, not " + spec.shape());
                } else {
                    open = i;
                }
            }
            if (open >= 0 && known > 0) {
                shape[open] = values / known;
            } else if (spec.shape().equals(List.of(-1L))) {
                shape[0] = values;
            }
            input = RawTensors.read(spec.name(), spec.datatype(), shape, ByteBuffer.wrap(body));
        }
        return new WireRequest(predictionId(context), Map.of(), List.of(input), List.of(), true);
    }
}
