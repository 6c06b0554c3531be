package dev.tidemill.platform.modules;

import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.events.EventSubscriber;
import dev.tidemill.platform.grpc.GrpcMethod;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import java.util.List;
import java.util.Set;

/**
 * One domain as the process that is built of it sees it: what it answers, stores and does. Each module is built of those to its
 * left; the process then asks all of them the same questions, in this order: {@link #definitionKinds}, {@link #publish},
 * {@link #prepare}, {@link #start}, {@link #loops}, {@link #kept}, {@link #chores}, {@link #routes}, {@link #methods}. Its
 * {@link Schema} is a constant of its class, since tables are there before it is.
 */
public interface Module extends AutoCloseable {
    /** Kinds of definitions that people may apply. */
    default List<DefinitionKind<?>> definitionKinds() {
        return List.of();
    }

    /** Publishes its figures. */
    default void publish(Telemetry telemetry) {}

    /** Makes what it needs before the first request; nothing runs in the background yet. */
    default void prepare() {}

    /** Starts what runs in the background in a process of these roles. */
    default void start(Set<ProcessRole> roles) {}

    /** What it has started that goes on round after round, so that people see how it is doing. */
    default List<Loop> loops() {
        return List.of();
    }

    /** Who hears of events in a process that controls. */
    default List<EventSubscriber> subscribers() {
        return List.of();
    }

    /** What grows, and for how long it is kept. */
    default List<Kept> kept() {
        return List.of();
    }

    /** What else is to be done regularly in a process that controls, in this order. */
    default List<Chore> chores() {
        return List.of();
    }

    /** What it answers over HTTP. */
    default List<Route> routes() {
        return List.of();
    }

    /** What it answers over gRPC. */
    default List<GrpcMethod<?, ?>> methods() {
        return List.of();
    }

    /** Is as new after every row was deleted; in tests alone. */
    default void reset() {
        prepare();
    }

    @Override
    default void close() {}
}
