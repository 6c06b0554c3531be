package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.InferenceAnswer;
import dev.tidemill.inference.domain.InferenceRequest;
import dev.tidemill.inference.domain.ModelName;
import dev.tidemill.inference.domain.ServedModel;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.spec.inference.GRPCInferenceServiceGrpc;
import dev.tidemill.spec.inference.ModelInferRequest;
import dev.tidemill.spec.inference.ModelInferResponse;
import dev.tidemill.spec.inference.ModelMetadataRequest;
import dev.tidemill.spec.inference.ModelMetadataResponse;
import dev.tidemill.spec.inference.ModelReadyRequest;
import dev.tidemill.spec.inference.ModelReadyResponse;
import dev.tidemill.spec.inference.ModelStreamInferResponse;
import dev.tidemill.spec.inference.ServerLiveResponse;
import dev.tidemill.spec.inference.ServerMetadataResponse;
import dev.tidemill.spec.inference.ServerReadyResponse;
import io.grpc.Context;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** Open Inference Protocol V2 over gRPC; models are named as over REST. */
public final class InferenceMethods {
    private final Gateway gateway;
    private final Clock clock;
    private final ServerName server;

    public InferenceMethods(Gateway gateway, Clock clock, ServerName server) {
        this.gateway = gateway;
        this.clock = clock;
        this.server = server;
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
                                .setName(server.name())
                                .setVersion(server.version())
                                .addAllExtensions(InferenceRoutes.EXTENSIONS)
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
                        this::infer),
                new GrpcMethod<ModelInferRequest, ModelStreamInferResponse>(
                                GRPCInferenceServiceGrpc.getModelStreamInferMethod(),
                                read,
                                request ->
                                        ModelName.parse(request.getModelName()).project(),
                                (request, caller) -> ModelStreamInferResponse.newBuilder()
                                        .setInferResponse(infer(request, caller))
                                        .build())
                        .goesOnAfter(error -> ModelStreamInferResponse.newBuilder()
                                .setErrorMessage(error.message())
                                .build()));
    }

    static Optional<String> version(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private ModelReadyResponse ready(ModelReadyRequest request, Caller caller) {
        String name = ModelName.parse(request.getName()).name();
        if (!gateway.isReady(caller.project(), name, version(request.getVersion()))) {
            gateway.model(caller.project(), name, version(request.getVersion()));
        }
        return ModelReadyResponse.newBuilder().setReady(true).build();
    }

    private ModelMetadataResponse metadata(ModelMetadataRequest request, Caller caller) {
        ServedModel model = gateway.model(
                caller.project(), ModelName.parse(request.getName()).name(), version(request.getVersion()));
        var response =
                ModelMetadataResponse.newBuilder().setName(request.getName()).setPlatform(model.platform());
        model.versions().forEach(number -> response.addVersions(Integer.toString(number)));
        model.inputs().forEach(spec -> response.addInputs(described(spec)));
        model.outputs().forEach(spec -> response.addOutputs(described(spec)));
        return response.build();
    }

    private static ModelMetadataResponse.TensorMetadata described(TensorSpec spec) {
        return ModelMetadataResponse.TensorMetadata.newBuilder()
                .setName(spec.name())
                .setDatatype(spec.datatype().name())
                .addAllShape(spec.shape())
                .build();
    }

    private ModelInferResponse infer(ModelInferRequest message, Caller caller) {
        WireRequest wire = InferenceProto.request(message);
        String name = ModelName.parse(message.getModelName()).name();
        InferenceRequest request;
        InferenceAnswer answer;
        // The call's context ends with its deadline, too.
        try (var cancellation = Cancellation.of(Context.current()::isCancelled, wire.timeout())) {
            request = wire.request(clock.instant(), cancellation).by(caller.actor());
            answer = wire.formed(gateway.infer(caller.project(), name, version(message.getModelVersion()), request));
        }
        return InferenceProto.response(message.getModelName(), wire, request, answer);
    }
}
