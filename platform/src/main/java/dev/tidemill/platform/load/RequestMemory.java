package dev.tidemill.platform.load;

import dev.tidemill.platform.load.BytesInFlight.Reservation;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The reservation of the request that a thread works for, so that what fills memory far below a route, such as a store that
 * reads rows, takes from it first. Work that belongs to no request is not counted. Thread-safe.
 */
public final class RequestMemory {
    private static final ScopedValue<Reservation> CURRENT = ScopedValue.newInstance();

    private RequestMemory() {}

    /** Runs work for the request that holds this reservation. */
    public static <T, X extends Throwable> T of(Reservation reservation, ScopedValue.CallableOp<T, X> work) throws X {
        return ScopedValue.where(CURRENT, reservation).call(work);
    }

    /** Work that counts to the request of the thread that asks for it, whichever thread does it. */
    public static <T> Supplier<T> carried(Supplier<T> work) {
        return current()
                .<Supplier<T>>map(reservation -> () -> of(reservation, work::get))
                .orElse(work);
    }

    /** Whose reservation this thread takes from; empty where it works for no request. */
    public static Optional<Reservation> current() {
        return CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    }

    /** Whose share of the server's means the request counts to; empty where the thread works for none. */
    public static Optional<String> caller() {
        return current().map(Reservation::caller);
    }

    /** Bytes of which a request should hold no more at a time, so that several pass beside each other. */
    public static long share() {
        return current().map(reservation -> reservation.budget() / 8).orElse(Long.MAX_VALUE);
    }

    /**
     * Takes what is about to be read, waiting a short while for other requests to give back.
     *
     * @throws dev.tidemill.platform.errors.TidemillException {@code TOO_LARGE} if the request can never have so much,
     *     {@code UNAVAILABLE} if it is not there in time
     */
    public static void take(long bytes) {
        current().ifPresent(reservation -> reservation.take(bytes));
    }

    /** Gives back a part of what was taken, once it fills memory no more. */
    public static void give(long bytes) {
        current().ifPresent(reservation -> reservation.give(bytes));
    }

    /** As {@link #take}, without waiting: for who holds what others wait for, such as a connection of the database. */
    public static void takeNow(long bytes) {
        current().filter(reservation -> !reservation.tryTake(bytes)).ifPresent(reservation -> {
            throw reservation.refusal(bytes);
        });
    }
}
