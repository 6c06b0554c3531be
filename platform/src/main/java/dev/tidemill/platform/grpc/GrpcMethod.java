package dev.tidemill.platform.grpc;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Caller;
import io.grpc.MethodDescriptor;
import java.util.function.Function;

/**
 * One unary gRPC method of the route manifest.
 *
 * @param project tells which project a request is about; asked only where the access is a project's
 */
public record GrpcMethod<Q, A>(
        MethodDescriptor<Q, A> descriptor, Access access, Function<Q, String> project, Endpoint<Q, A> endpoint) {
    /** Answers one request of an authorised caller. */
    @FunctionalInterface
    public interface Endpoint<Q, A> {
        A answer(Q request, Caller caller);
    }

    /** A method that anybody may call. */
    public static <Q, A> GrpcMethod<Q, A> open(MethodDescriptor<Q, A> descriptor, Function<Q, A> endpoint) {
        return new GrpcMethod<>(descriptor, Access.open(), request -> "", (request, caller) -> endpoint.apply(request));
    }

    /** Full name, such as {@code GRPC inference.GRPCInferenceService/ModelInfer}. */
    public String signature() {
        return "GRPC " + descriptor.getFullMethodName();
    }
}
