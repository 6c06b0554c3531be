package dev.tidemill.platform.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.testkit.Await;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Messages over the wire, of which all or a part is sent. */
class GrpcServerTest {
    private static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    };
    private static final MethodDescriptor<byte[], byte[]> COUNT = MethodDescriptor.newBuilder(BYTES, BYTES)
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("test.Test/Count")
            .build();
    private static final Principal ADA = new Principal("user:ada", true, "ada", Optional.empty(), Optional.empty());
    private static final int HEADERS = 1;
    private static final int RESET = 3;

    private final Telemetry telemetry = new Telemetry(Optional.empty());
    private GrpcServer server;

    @BeforeEach
    void start() {
        var authentication = new Authentication() {
            @Override
            public Optional<Principal> authenticate(Credentials credentials) {
                return credentials.secret().map(secret -> ADA);
            }

            @Override
            public Optional<Role> role(Principal principal, String project) {
                return Optional.of(Role.ADMIN);
            }
        };
        var method = new GrpcMethod<>(
                COUNT,
                Access.signedIn(),
                request -> "",
                (request, caller) -> Integer.toString(request.length).getBytes(StandardCharsets.UTF_8));
        server = new GrpcServer(
                        new GrpcServer.Settings("127.0.0.1", 0, 16 << 20, Optional.empty()),
                        List.of(method),
                        new Admission(authentication),
                        telemetry,
                        refusal -> {},
                        new BytesInFlight(64 << 20))
                .start();
    }

    @AfterEach
    void stop() {
        server.close();
        telemetry.close();
    }

    @Test
    void aLargeMessageOfSomebodyWhoIsKnownIsAnswered() {
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer x");
        ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
                .build();
        try {
            for (int i = 0; i < 3; i++) {
                byte[] answer = ClientCalls.blockingUnaryCall(channel, COUNT, CallOptions.DEFAULT, new byte[5_000_000]);
                assertThat(new String(answer, StandardCharsets.UTF_8)).isEqualTo("5000000");
            }
        } finally {
            channel.shutdownNow();
        }
        Await.until("nothing to be counted any more", () -> server.arriving() == 0);
    }

    @Test
    void aStrangerWhoSendsAPartOfALargeMessageIsRefusedAndNothingIsKeptOfIt() throws Exception {
        try (var socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(20_000);
            OutputStream out = socket.getOutputStream();
            out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            frame(out, 4, 0, 0, new byte[0]);
            var in = new DataInputStream(socket.getInputStream());
            // Its settings tell how much may be sent at once.
            assertThat(next(in)[0]).isEqualTo(4);
            frame(out, HEADERS, 4, 1, headers());
            byte[] prefix =
                    ByteBuffer.allocate(5).put((byte) 0).putInt(10_000_000).array();
            frame(out, 0, 0, 1, prefix);
            for (int i = 0; i < 8; i++) {
                frame(out, 0, 0, 1, new byte[16_000]);
            }
            int[] frame = next(in);
            while (frame[1] != 1 || (frame[0] != HEADERS && frame[0] != RESET)) {
                frame = next(in);
            }
        }
        Await.until("nothing to be kept", () -> server.arriving() == 0);
    }

    private static byte[] headers() {
        var block = new ByteArrayOutputStream();
        for (String[] header : new String[][] {
            {":method", "POST"},
            {":scheme", "http"},
            {":path", "/test.Test/Count"},
            {":authority", "x"},
            {"content-type", "application/grpc"},
            {"te", "trailers"}
        }) {
            block.write(0);
            for (String part : header) {
                block.write(part.length());
                block.writeBytes(part.getBytes(StandardCharsets.US_ASCII));
            }
        }
        return block.toByteArray();
    }

    private static void frame(OutputStream out, int type, int flags, int stream, byte[] payload) throws IOException {
        out.write(ByteBuffer.allocate(9)
                .putInt(payload.length << 8 | type)
                .put((byte) flags)
                .putInt(stream)
                .array());
        out.write(payload);
        out.flush();
    }

    /** Type and stream of the next frame. */
    private static int[] next(DataInputStream in) throws IOException {
        int first = in.readInt();
        in.readByte();
        int stream = in.readInt();
        in.skipNBytes(first >>> 8);
        return new int[] {first & 0xff, stream};
    }
}
