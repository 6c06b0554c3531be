package dev.tidemill.wires.oip;

import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.IndexEntry;
import dev.tidemill.inference.domain.ModelName;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.spec.inference.repository.ModelRepositoryServiceGrpc;
import dev.tidemill.spec.inference.repository.RepositoryIndexRequest;
import dev.tidemill.spec.inference.repository.RepositoryIndexResponse;
import dev.tidemill.spec.inference.repository.RepositoryModelLoadRequest;
import dev.tidemill.spec.inference.repository.RepositoryModelLoadResponse;
import dev.tidemill.spec.inference.repository.RepositoryModelUnloadRequest;
import dev.tidemill.spec.inference.repository.RepositoryModelUnloadResponse;
import java.util.List;

/** The model repository as MLServer's clients call it: a service beside the one that Triton's clients call. */
public final class MlserverRepositoryMethods {
    private final Gateway gateway;

    public MlserverRepositoryMethods(Gateway gateway) {
        this.gateway = gateway;
    }

    public List<GrpcMethod<?, ?>> methods() {
        var read = Access.project(Resource.INFERENCE, Action.READ);
        var operate = Access.project(Resource.INFERENCE, Action.OPERATE);
        return List.of(
                new GrpcMethod<>(
                        ModelRepositoryServiceGrpc.getRepositoryIndexMethod(),
                        read,
                        request -> ModelName.parse(request.getRepositoryName()).project(),
                        this::index),
                new GrpcMethod<>(
                        ModelRepositoryServiceGrpc.getRepositoryModelLoadMethod(),
                        operate,
                        request -> ModelName.parse(request.getModelName()).project(),
                        this::load),
                new GrpcMethod<>(
                        ModelRepositoryServiceGrpc.getRepositoryModelUnloadMethod(),
                        operate,
                        request -> ModelName.parse(request.getModelName()).project(),
                        this::unload));
    }

    private RepositoryIndexResponse index(RepositoryIndexRequest request, Caller caller) {
        var response = RepositoryIndexResponse.newBuilder();
        for (IndexEntry entry : gateway.index(caller.project(), request.getReady())) {
            response.addModels(RepositoryIndexResponse.ModelIndex.newBuilder()
                    .setName(ModelName.of(entry.project(), entry.name()))
                    .setVersion(Integer.toString(entry.version()))
                    .setState(entry.state())
                    .setReason(entry.reason()));
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
