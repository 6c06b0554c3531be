package dev.tidemill.platform.grpc;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.errors.TidemillException;
import io.grpc.MethodDescriptor;
import java.util.Optional;
import java.util.function.Function;

/**
 * One gRPC method of the route manifest: unary, or a stream in both directions where each message is a request with one
 * answer, in order.
 *
 * @param project tells which project a request is about; asked only where the access is a project's
 * @param failure how a stream tells that one of its requests failed, so that it goes on; empty where a failure ends the call
 */
public record GrpcMethod<Q, A>(
        MethodDescriptor<Q, A> descriptor,
        Access access,
        Function<Q, String> project,
        Endpoint<Q, A> endpoint,
        Optional<Function<TidemillException, A>> failure) {
    /** Answers one request of an authorised caller. */
    @FunctionalInterface
    public interface Endpoint<Q, A> {
        A answer(Q request, Caller caller);
    }

    public GrpcMethod(
            MethodDescriptor<Q, A> descriptor, Access access, Function<Q, String> project, Endpoint<Q, A> endpoint) {
        this(descriptor, access, project, endpoint, Optional.empty());
    }

    /** A method that anybody may call. */
    public static <Q, A> GrpcMethod<Q, A> open(MethodDescriptor<Q, A> descriptor, Function<Q, A> endpoint) {
        return new GrpcMethod<>(descriptor, Access.open(), request -> "", (request, caller) -> endpoint.apply(request));
    }

    /** The same as a stream that goes on after a failure. */
    public GrpcMethod<Q, A> goesOnAfter(Function<TidemillException, A> told) {
        return new GrpcMethod<>(descriptor, access, project, endpoint, Optional.of(told));
    }

    /** Full name, such as {@code GRPC inference.GRPCInferenceService/ModelInfer}. */
    public String signature() {
        return "GRPC " + descriptor.getFullMethodName();
    }
}
