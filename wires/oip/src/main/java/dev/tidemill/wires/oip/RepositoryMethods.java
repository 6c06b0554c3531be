package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.IndexEntry;
import dev.tidemill.inference.domain.ModelName;
import dev.tidemill.inference.domain.ModelStatistics.Snapshot;
import dev.tidemill.inference.domain.ServedModel;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.inference.domain.VersionStatistics;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.spec.inference.DataType;
import dev.tidemill.spec.inference.GRPCInferenceServiceGrpc;
import dev.tidemill.spec.inference.InferStatistics;
import dev.tidemill.spec.inference.ModelConfig;
import dev.tidemill.spec.inference.ModelConfigRequest;
import dev.tidemill.spec.inference.ModelConfigResponse;
import dev.tidemill.spec.inference.ModelInput;
import dev.tidemill.spec.inference.ModelOutput;
import dev.tidemill.spec.inference.ModelStatistics;
import dev.tidemill.spec.inference.ModelStatisticsRequest;
import dev.tidemill.spec.inference.ModelStatisticsResponse;
import dev.tidemill.spec.inference.RepositoryIndexRequest;
import dev.tidemill.spec.inference.RepositoryIndexResponse;
import dev.tidemill.spec.inference.RepositoryModelLoadRequest;
import dev.tidemill.spec.inference.RepositoryModelLoadResponse;
import dev.tidemill.spec.inference.RepositoryModelUnloadRequest;
import dev.tidemill.spec.inference.RepositoryModelUnloadResponse;
import dev.tidemill.spec.inference.StatisticDuration;
import java.util.List;
import java.util.Optional;

/**
 * Model repository, configuration and statistics over gRPC. A call that names no model is about project {@code default}, or
 * the one before {@code ~} in the repository's name.
 */
public final class RepositoryMethods {
    private final Gateway gateway;

    public RepositoryMethods(Gateway gateway) {
        this.gateway = gateway;
    }

    public List<GrpcMethod<?, ?>> methods() {
        var read = Access.project(Resource.INFERENCE, Action.READ);
        var operate = Access.project(Resource.INFERENCE, Action.OPERATE);
        return List.of(
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getModelConfigMethod(),
                        read,
                        request -> ModelName.parse(request.getName()).project(),
                        this::config),
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getModelStatisticsMethod(),
                        read,
                        request -> ModelName.parse(request.getName()).project(),
                        this::statistics),
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getRepositoryIndexMethod(),
                        read,
                        request -> ModelName.parse(request.getRepositoryName()).project(),
                        this::index),
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getRepositoryModelLoadMethod(),
                        operate,
                        request -> ModelName.parse(request.getModelName()).project(),
                        this::load),
                new GrpcMethod<>(
                        GRPCInferenceServiceGrpc.getRepositoryModelUnloadMethod(),
                        operate,
                        request -> ModelName.parse(request.getModelName()).project(),
                        this::unload));
    }

    private ModelConfigResponse config(ModelConfigRequest request, Caller caller) {
        ServedModel model = gateway.model(
                caller.project(),
                ModelName.parse(request.getName()).name(),
                InferenceMethods.version(request.getVersion()));
        var config = ModelConfig.newBuilder()
                .setName(request.getName())
                .setPlatform(model.platform())
                .setBackend(model.platform());
        for (TensorSpec spec : model.inputs()) {
            config.addInput(ModelInput.newBuilder()
                    .setName(spec.name())
                    .setDataType(type(spec.datatype()))
                    .addAllDims(spec.shape()));
        }
        for (TensorSpec spec : model.outputs()) {
            config.addOutput(ModelOutput.newBuilder()
                    .setName(spec.name())
                    .setDataType(type(spec.datatype()))
                    .addAllDims(spec.shape()));
        }
        return ModelConfigResponse.newBuilder().setConfig(config).build();
    }

    private static DataType type(Datatype datatype) {
        return datatype == Datatype.BYTES ? DataType.TYPE_STRING : DataType.valueOf("TYPE_" + datatype.name());
    }

    private ModelStatisticsResponse statistics(ModelStatisticsRequest request, Caller caller) {
        var response = ModelStatisticsResponse.newBuilder();
        String name = ModelName.parse(request.getName()).name();
        for (VersionStatistics one : RepositoryRoutes.selected(
                gateway,
                caller.project(),
                name.isEmpty() ? Optional.empty() : Optional.of(name),
                InferenceMethods.version(request.getVersion()))) {
            response.addModelStats(written(one));
        }
        return response.build();
    }

    private static ModelStatistics written(VersionStatistics one) {
        Snapshot figures = one.figures();
        return ModelStatistics.newBuilder()
                .setName(ModelName.of(one.project(), one.name()))
                .setVersion(Integer.toString(one.version()))
                .setLastInference(figures.lastMillis())
                .setInferenceCount(figures.inferences())
                .setExecutionCount(figures.executions())
                .setInferenceStats(InferStatistics.newBuilder()
                        .setSuccess(duration(figures.successes(), figures.successNanos()))
                        .setFail(duration(figures.failures(), figures.failureNanos()))
                        .setQueue(duration(figures.successes(), figures.queueNanos()))
                        .setComputeInput(duration(figures.successes(), 0))
                        .setComputeInfer(duration(figures.successes(), figures.computeNanos()))
                        .setComputeOutput(duration(figures.successes(), 0)))
                .build();
    }

    private static StatisticDuration duration(long count, long nanos) {
        return StatisticDuration.newBuilder().setCount(count).setNs(nanos).build();
    }

    private RepositoryIndexResponse index(RepositoryIndexRequest request, Caller caller) {
        var response = RepositoryIndexResponse.newBuilder();
        for (IndexEntry entry : gateway.index(caller.project(), request.getReady())) {
            response.addModelsBuilder()
                    .setName(ModelName.of(entry.project(), entry.name()))
                    .setVersion(Integer.toString(entry.version()))
                    .setState(entry.state())
                    .setReason(entry.reason());
        }
        return response.build();
    }

    private RepositoryModelLoadResponse load(RepositoryModelLoadRequest request, Caller caller) {
        gateway.load(caller.project(), ModelName.parse(request.getModelName()).name());
        return RepositoryModelLoadResponse.getDefaultInstance();
    }

    private RepositoryModelUnloadResponse unload(RepositoryModelUnloadRequest request, Caller caller) {
        gateway.unload(caller.project(), ModelName.parse(request.getModelName()).name());
        return RepositoryModelUnloadResponse.getDefaultInstance();
    }
}
