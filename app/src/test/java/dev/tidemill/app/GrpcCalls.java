package dev.tidemill.app;

import com.google.protobuf.DynamicMessage;
import dev.tidemill.platform.grpc.GrpcMethod;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.util.Objects;
import java.util.Optional;

/** Calls any gRPC method of the manifest with a message that names nothing but a model of some project. */
final class GrpcCalls implements AutoCloseable {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final ManagedChannel channel;

    GrpcCalls(String address) {
        this.channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())
                .build();
    }

    /** {@code OK}, or the status and its description. */
    <Q, A> String call(GrpcMethod<Q, A> method, String project, Optional<String> token) {
        var headers = new Metadata();
        token.ifPresent(secret -> headers.put(AUTHORIZATION, "Bearer " + secret));
        try {
            ClientCalls.blockingUnaryCall(
                    ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)),
                    method.descriptor(),
                    CallOptions.DEFAULT,
                    request(method.descriptor(), project));
            return "OK";
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode() + " " + e.getStatus().getDescription();
        }
    }

    private static <Q> Q request(MethodDescriptor<Q, ?> method, String project) {
        var schema = (ProtoMethodDescriptorSupplier) Objects.requireNonNull(method.getSchemaDescriptor());
        var type = schema.getMethodDescriptor().getInputType();
        var message = DynamicMessage.newBuilder(type);
        for (String field : new String[] {"name", "model_name"}) {
            var descriptor = type.findFieldByName(field);
            if (descriptor != null) {
                message.setField(descriptor, project + "~none");
            }
        }
        return method.parseRequest(new ByteArrayInputStream(message.build().toByteArray()));
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
