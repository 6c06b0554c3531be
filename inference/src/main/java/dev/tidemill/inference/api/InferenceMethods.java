package dev.tidemill.inference.api;

import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.LoadedModel;
import dev.tidemill.inference.domain.ServingPlan;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.spec.inference.GRPCInferenceServiceGrpc;
import dev.tidemill.spec.inference.ModelInferRequest;
import dev.tidemill.spec.inference.ModelInferResponse;
import dev.tidemill.spec.inference.ModelMetadataRequest;
import dev.tidemill.spec.inference.ModelMetadataResponse;
import dev.tidemill.spec.inference.ModelReadyRequest;
import dev.tidemill.spec.inference.ModelReadyResponse;
import dev.tidemill.spec.inference.ServerLiveResponse;
import dev.tidemill.spec.inference.ServerMetadataResponse;
import dev.tidemill.spec.inference.ServerReadyResponse;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** Open Inference Protocol V2 over gRPC; models are named as over REST. */
public final class InferenceMethods {
    private final Gateway gateway;
    private final Clock clock;
    private final String version;

    public InferenceMethods(Gateway gateway, Clock clock, String version) {
        this.gateway = gateway;
        this.clock = clock;
        this.version = version;
    }

    public List<GrpcMethod<?, ?>> methods() {
        var read = Access.project(Resource.INFERENCE, Action.READ);
        return List.of(
                GrpcMethod.open(
                        GRPCInferenceServiceGrpc.getServerLiveMethod(),
                        request -> ServerLiveResponse.newBuilder().setLive(true).build()),
                GrpcMethod.open(
                        GRPCInferenceServiceGrpc.getServerReadyMethod(),
                        request ->
                                ServerReadyResponse.newBuilder().setReady(true).build()),
                GrpcMethod.open(
                        GRPCInferenceServiceGrpc.getServerMetadataMethod(),
                        request -> ServerMetadataResponse.newBuilder()
                                .setName("tidemill")
                                .setVersion(version)
                                .build()),
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getModelReadyMethod(),
                        read,
                        request -> ModelName.parse(request.getName()).project(),
                        this::ready),
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getModelMetadataMethod(),
                        read,
                        request -> ModelName.parse(request.getName()).project(),
                        this::metadata),
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getModelInferMethod(),
                        read,
                        request -> ModelName.parse(request.getModelName()).project(),
                        this::infer));
    }

    private ModelReadyResponse ready(ModelReadyRequest request, Caller caller) {
        gateway.plan(caller.project(), ModelName.parse(request.getName()).name());
        return ModelReadyResponse.newBuilder().setReady(true).build();
    }

    private ModelMetadataResponse metadata(ModelMetadataRequest request, Caller caller) {
        String name = ModelName.parse(request.getName()).name();
        ServingPlan plan = gateway.plan(caller.project(), name);
        LoadedModel model = gateway.champion(caller.project(), name);
        var response = ModelMetadataResponse.newBuilder()
                .setName(request.getName())
                .setPlatform("tidemill_trees")
                .addVersions(Integer.toString(plan.champion().version()));
        plan.challenger()
                .ifPresent(trial ->
                        response.addVersions(Integer.toString(trial.version().version())));
        for (LoadedModel.Tensor tensor : model.inputs()) {
            response.addInputsBuilder()
                    .setName(tensor.name())
                    .setDatatype(tensor.datatype())
                    .addShape(-1);
        }
        var output = response.addOutputsBuilder()
                .setName("prediction")
                .setDatatype("FP64")
                .addShape(-1);
        if (model.outputs() > 1) {
            output.addShape(model.outputs());
        }
        return response.build();
    }

    private ModelInferResponse infer(ModelInferRequest message, Caller caller) {
        InferenceRequest request = InferenceProto.request(message, clock);
        String name = ModelName.parse(message.getModelName()).name();
        var answer = gateway.infer(caller.project(), name, version(message.getModelVersion()), request);
        return InferenceProto.response(message.getModelName(), request, answer, message.getRawInputContentsCount() > 0);
    }

    private static Optional<Integer> version(String text) {
        if (text.isEmpty()) {
            return Optional.empty();
        }
        if (!text.matches("[1-9]\\d{0,8}")) {
            throw TidemillException.invalid("model_version", "'" + text + "' is not a positive whole number");
        }
        return Optional.of(Integer.parseInt(text));
    }
}
