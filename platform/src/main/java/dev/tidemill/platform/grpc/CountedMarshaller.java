package dev.tidemill.platform.grpc;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Leaves reading a message to whoever knows the call that it belongs to, so that it is read only where the budget of bytes in
 * flight has room for it.
 */
final class CountedMarshaller<Q> implements MethodDescriptor.Marshaller<CountedMarshaller.Message<Q>> {
    /** The message as it came, as it is read, and the tensors that are made of it. */
    private static final int PER_BYTE = 4;

    private static final int PART = 64 * 1024;

    private final MethodDescriptor.Marshaller<Q> marshaller;

    CountedMarshaller(MethodDescriptor.Marshaller<Q> marshaller) {
        this.marshaller = marshaller;
    }

    @Override
    public Message<Q> parse(InputStream stream) {
        return new Message<>(this, stream);
    }

    @Override
    public InputStream stream(Message<Q> message) {
        return marshaller.stream(message.value());
    }

    /** A message that is read once, while its call's listener is told of it. */
    static final class Message<Q> {
        private final CountedMarshaller<Q> form;
        private final InputStream stream;
        private @Nullable Q content;
        private @Nullable TidemillException refusal;
        private long weight;

        private Message(CountedMarshaller<Q> form, InputStream stream) {
            this.form = form;
            this.stream = stream;
        }

        /**
         * Reads it, or keeps why that cannot be: there is no room for it, or it is not what it should be.
         *
         * @param most bytes that it may be or unfold to
         */
        void read(Reservation reservation, int most) {
            try {
                if (stream instanceof KnownLength) {
                    take(reservation, stream.available());
                    content = form.marshaller.parse(stream);
                } else {
                    content = form.marshaller.parse(new ByteArrayInputStream(unpacked(reservation, most)));
                }
            } catch (TidemillException full) {
                refusal = full;
            } catch (StatusRuntimeException e) {
                refusal = e.getStatus().getCode() == Status.Code.RESOURCE_EXHAUSTED ? tooLarge(most) : malformed(e);
            } catch (IOException e) {
                refusal = TidemillException.invalid("message", "The message cannot be unpacked: " + e.getMessage())
                        .causedBy(e);
            }
        }

        private static TidemillException malformed(StatusRuntimeException e) {
            Throwable why = e.getCause() == null ? e : e.getCause();
            return TidemillException.invalid(
                            "message", "The message is not of the form that the method takes: " + why.getMessage())
                    .causedBy(e);
        }

        private static TidemillException tooLarge(int most) {
            return new TidemillException(ErrorCode.TOO_LARGE, "The message unfolds to more than " + most + " bytes")
                    .remedy("Send less at once, or with a valid token");
        }

        /** What a packed message unfolds to is known only once that is done. */
        private byte[] unpacked(Reservation reservation, int most) throws IOException {
            var unpacked = new ByteArrayOutputStream(PART);
            byte[] part = new byte[PART];
            int read;
            while ((read = stream.read(part)) > 0) {
                if (unpacked.size() + read > most) {
                    throw tooLarge(most);
                }
                take(reservation, read);
                unpacked.write(part, 0, read);
            }
            return unpacked.toByteArray();
        }

        private void take(Reservation reservation, int bytes) {
            reservation.take((long) bytes * PER_BYTE);
            weight += (long) bytes * PER_BYTE;
        }

        boolean isRefused() {
            return refusal != null;
        }

        /** Bytes taken from the budget for it. */
        long weight() {
            return weight;
        }

        /** @throws TidemillException if there was no room for it, or it is not what it should be */
        Q value() {
            if (content == null) {
                throw refusal == null ? new IllegalStateException("the message has not been read") : refusal;
            }
            return content;
        }
    }
}
