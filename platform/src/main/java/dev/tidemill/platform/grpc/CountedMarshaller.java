package dev.tidemill.platform.grpc;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import io.grpc.Context;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads messages only where the budget of bytes in flight has room for them. */
final class CountedMarshaller<Q> implements MethodDescriptor.Marshaller<CountedMarshaller.Message<Q>> {
    /** What the call that is being read has taken; its interceptor sets it and gives it back. */
    static final Context.Key<Reservation> RESERVATION = Context.key("reservation");

    /** The message as it came, as it is read, and the tensors or spans that are made of it. */
    private static final int PER_BYTE = 4;

    private static final int PART = 64 * 1024;

    /**
     * A message that was read, or why it was not.
     *
     * @param weight bytes taken from the budget for it
     */
    record Message<Q>(@Nullable Q content, Optional<TidemillException> refusal, long weight) {
        boolean isRefused() {
            return refusal.isPresent();
        }

        /** @throws TidemillException if there was no room for it */
        Q value() {
            if (content == null) {
                throw refusal.orElseThrow();
            }
            return content;
        }
    }

    private final MethodDescriptor.Marshaller<Q> marshaller;
    private final int most;

    /** @param most bytes of a message */
    CountedMarshaller(MethodDescriptor.Marshaller<Q> marshaller, int most) {
        this.marshaller = marshaller;
        this.most = most;
    }

    @Override
    public Message<Q> parse(InputStream stream) {
        Reservation reservation = RESERVATION.get();
        long weight = 0;
        try {
            InputStream content = stream;
            if (stream instanceof KnownLength) {
                weight = (long) stream.available() * PER_BYTE;
                reservation.take(weight);
            } else {
                // Packed: what it unfolds to is known only once that is done.
                var unpacked = new java.io.ByteArrayOutputStream(PART);
                byte[] part = new byte[PART];
                int read;
                while ((read = stream.read(part)) > 0 && unpacked.size() <= most) {
                    reservation.take((long) read * PER_BYTE);
                    weight += (long) read * PER_BYTE;
                    unpacked.write(part, 0, read);
                }
                content = new ByteArrayInputStream(unpacked.toByteArray());
            }
            return new Message<>(marshaller.parse(content), Optional.empty(), weight);
        } catch (TidemillException refusal) {
            return new Message<>(null, Optional.of(refusal), weight);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public InputStream stream(Message<Q> message) {
        return marshaller.stream(message.value());
    }
}
