package dev.tidemill.platform.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.Authentication;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.RefusalJournal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.testkit.Await;
import io.grpc.CallOptions;
import io.grpc.Compressor;
import io.grpc.CompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
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
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Messages over the wire, of which all or a part is sent. */
class GrpcServerTest {
    static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
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
    private static final MethodDescriptor<byte[], byte[]> COUNT = unary("Count");
    private static final MethodDescriptor<byte[], byte[]> OPEN = unary("Open");
    private static final MethodDescriptor<byte[], byte[]> HOLD = unary("Hold");
    private static final MethodDescriptor.Marshaller<byte[]> NOTHING = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return BYTES.stream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            throw Status.INTERNAL
                    .withCause(new IOException("an invalid tag"))
                    .withDescription("Invalid protobuf byte sequence")
                    .asRuntimeException();
        }
    };
    private static final MethodDescriptor<byte[], byte[]> MALFORMED =
            unary("Malformed").toBuilder(NOTHING, BYTES).build();
    /** A token that it takes long to know. */
    private static final String SLOW = "slow";

    private static final int HEADERS = 1;
    private static final int RESET = 3;

    private final List<RefusalJournal.Refusal> refusals = new CopyOnWriteArrayList<>();
    private final CountDownLatch held = new CountDownLatch(1);
    private final CountDownLatch release = new CountDownLatch(1);
    private final Telemetry telemetry = new Telemetry(Optional.empty());
    private GrpcServer server;

    @BeforeEach
    void start() {
        var authentication = new Authentication() {
            @Override
            public Optional<Principal> authenticate(Credentials credentials) {
                if (credentials.secret().equals(Optional.of(SLOW))) {
                    Await.until("it may go on", () -> release.getCount() == 0);
                }
                return credentials
                        .secret()
                        .map(secret -> new Principal(
                                Principal.TOKEN + secret, true, "ada", Optional.empty(), Optional.empty()));
            }

            @Override
            public Optional<Role> role(Principal principal, String project) {
                return Optional.of(Role.ADMIN);
            }
        };
        server = new GrpcServer(
                        new GrpcServer.Settings("127.0.0.1", 0, 16 << 20, 40, address -> false, Optional.empty()),
                        List.of(
                                counting(COUNT),
                                counting(MALFORMED),
                                GrpcMethod.open(OPEN, GrpcServerTest::length),
                                new GrpcMethod<>(HOLD, Access.signedIn(), request -> "", (request, caller) -> {
                                    held.countDown();
                                    Await.until("it may go on", () -> release.getCount() == 0);
                                    return length(request);
                                })),
                        new Admission(authentication),
                        telemetry,
                        refusals::add,
                        new BytesInFlight(64 << 20))
                .start();
    }

    private static MethodDescriptor<byte[], byte[]> unary(String name) {
        return MethodDescriptor.newBuilder(BYTES, BYTES)
                .setType(MethodDescriptor.MethodType.UNARY)
                .setFullMethodName("test.Test/" + name)
                .build();
    }

    private static GrpcMethod<byte[], byte[]> counting(MethodDescriptor<byte[], byte[]> method) {
        return new GrpcMethod<>(method, Access.signedIn(), request -> "", (request, caller) -> length(request));
    }

    private static byte[] length(byte[] request) {
        return Integer.toString(request.length).getBytes(StandardCharsets.UTF_8);
    }

    @AfterEach
    void stop() {
        release.countDown();
        server.close();
        telemetry.close();
    }

    @Test
    void aLargeMessageOfSomebodyWhoIsKnownIsAnswered() {
        ManagedChannel channel = channel("x").build();
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
            frame(out, HEADERS, 4, 1, headers("Open"));
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

    private NettyChannelBuilder channel(String token) {
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
        return NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    /** Whoever opens calls whose headers are all there is, or that are not ended, is answered all the same. */
    @Test
    void aCallThatNobodyIsAllowedOrThatGoesOnForeverIsEnded() throws Exception {
        try (var socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(20_000);
            OutputStream out = socket.getOutputStream();
            out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            frame(out, 4, 0, 0, new byte[0]);
            var in = new DataInputStream(socket.getInputStream());
            frame(out, HEADERS, 4, 1, headers("Count"));
            awaitEnd(in, 1);
            frame(out, HEADERS, 4, 3, headers("Count", "authorization", "Bearer " + "x".repeat(5_000)));
            awaitEnd(in, 3);
            frame(out, HEADERS, 4, 5, headers("Count", "authorization", "Bearer x"));
            frame(out, 0, 0, 5, new byte[] {0, 0, 0, 0, 3, 1, 2, 3});
            awaitEnd(in, 5);
            frame(out, HEADERS, 4, 7, headers("Count", "authorization", "Bearer x"));
            awaitEnd(in, 7);
        }
    }

    /** Whoever begins calls and resets them at once: the connection is ended, and nothing of it is left to do. */
    @Test
    void callsThatAreResetAtOnceEndTheirConnection() throws Exception {
        try (var socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(20_000);
            OutputStream out = socket.getOutputStream();
            out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            frame(out, 4, 0, 0, new byte[0]);
            byte[] headers = headers("Count");
            int sent = 0;
            try {
                while (sent < 100_000) {
                    int stream = 2 * sent + 1;
                    var both = new ByteArrayOutputStream();
                    frame(both, HEADERS, 4, stream, headers);
                    frame(both, RESET, 0, stream, new byte[] {0, 0, 0, 8});
                    out.write(both.toByteArray());
                    sent++;
                }
            } catch (IOException e) {
                assertThat(sent).isGreaterThan(1_000);
            }
            assertThat(sent).as("calls until the connection was ended").isLessThan(100_000);
        }
        Await.until("nothing to be left to do", () -> server.calls() == 0 && server.work() == 0);
    }

    @Test
    void connectionsOfOneAddressAreBoundedAndHaveToBegin() throws Exception {
        var sockets = new ArrayList<Socket>();
        try {
            for (int i = 0; i < 15; i++) {
                sockets.add(new Socket("127.0.0.1", server.port()));
            }
            Await.until("those beyond a quarter of the setting are closed", () -> closed(sockets) >= 5);
            assertThat(closed(sockets)).isEqualTo(5);
            Await.until("those that say nothing are closed", () -> closed(sockets) == 15);
            ManagedChannel channel = channel("x").build();
            assertThat(refusal(channel, COUNT, CallOptions.DEFAULT)).isEqualTo(Status.Code.OK);
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    private static long closed(List<Socket> sockets) {
        return sockets.stream().filter(GrpcServerTest::isClosed).count();
    }

    /** Whatever the server has said before that. */
    private static boolean isClosed(Socket socket) {
        try {
            socket.setSoTimeout(10);
            while (socket.getInputStream().read() >= 0) {
                continue;
            }
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    private static void awaitEnd(DataInputStream in, int stream) throws IOException {
        int[] frame = next(in);
        while (frame[1] != stream || frame[0] != RESET) {
            frame = next(in);
        }
    }

    private Status.Code refusal(ManagedChannel channel, MethodDescriptor<byte[], byte[]> method, CallOptions options) {
        try {
            ClientCalls.blockingUnaryCall(channel, method, options, new byte[5_000_000]);
            return Status.Code.OK;
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode();
        } finally {
            channel.shutdownNow();
        }
    }

    /** Refusals that are alike are written together. */
    @Test
    void whatAHostIsRefusedIsToldWithoutThePort() {
        for (int i = 0; i < 2; i++) {
            var channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                    .usePlaintext()
                    .build();
            assertThat(refusal(channel, COUNT, CallOptions.DEFAULT)).isEqualTo(Status.Code.UNAUTHENTICATED);
        }
        Await.until("both to be told", () -> refusals.size() == 2);
        assertThat(refusals).extracting(RefusalJournal.Refusal::address).containsOnly("127.0.0.1");
    }

    @Test
    void anOpenMethodAsksNobodyWhoCalls() {
        for (String token : List.of(SLOW, "x".repeat(5_000))) {
            ManagedChannel channel = channel(token).build();
            try {
                byte[] answer = ClientCalls.blockingUnaryCall(
                        channel, OPEN, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), new byte[100]);
                assertThat(new String(answer, StandardCharsets.UTF_8)).isEqualTo("100");
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void twoTokensOfAUserHaveOneShare() throws Exception {
        ManagedChannel first = channel("1").build();
        try {
            var unused = ClientCalls.futureUnaryCall(first.newCall(HOLD, CallOptions.DEFAULT), new byte[5_000_000]);
            assertThat(held.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(refusal(channel("2").build(), COUNT, CallOptions.DEFAULT))
                    .isEqualTo(Status.Code.UNAVAILABLE);
            release.countDown();
        } finally {
            first.shutdownNow();
        }
    }

    @Test
    void whatAStrangersMessageUnfoldsToIsBounded() {
        var channel = NettyChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .build();
        assertThat(refusal(channel, OPEN, CallOptions.DEFAULT.withCompression("gzip")))
                .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    }

    @Test
    void aMessageThatIsNotWhatItShouldBeIsRefusedInWordsAndNotLogged() {
        var logged = new ArrayList<LogRecord>();
        var handler = new Handler() {
            @Override
            public void publish(LogRecord entry) {
                logged.add(entry);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger log = Logger.getLogger("io.grpc");
        log.addHandler(handler);
        var compressors = CompressorRegistry.newEmptyInstance();
        compressors.register(new Compressor() {
            @Override
            public String getMessageEncoding() {
                return "gzip";
            }

            @Override
            public OutputStream compress(OutputStream out) {
                return out;
            }
        });
        try {
            assertThat(refusal(channel("x").build(), MALFORMED, CallOptions.DEFAULT))
                    .isEqualTo(Status.Code.INVALID_ARGUMENT);
            assertThat(refusal(
                            channel("x").compressorRegistry(compressors).build(),
                            COUNT,
                            CallOptions.DEFAULT.withCompression("gzip")))
                    .isIn(Status.Code.INVALID_ARGUMENT, Status.Code.INTERNAL);
        } finally {
            log.removeHandler(handler);
        }
        assertThat(logged)
                .filteredOn(entry -> entry.getLevel().intValue() > Level.FINE.intValue())
                .isEmpty();
    }

    private static byte[] headers(String method, String... more) {
        var block = new ByteArrayOutputStream();
        literal(block, ":method", "POST");
        literal(block, ":scheme", "http");
        literal(block, ":path", "/test.Test/" + method);
        literal(block, ":authority", "x");
        literal(block, "content-type", "application/grpc");
        literal(block, "te", "trailers");
        for (int i = 0; i < more.length; i += 2) {
            literal(block, more[i], more[i + 1]);
        }
        return block.toByteArray();
    }

    private static void literal(ByteArrayOutputStream block, String name, String value) {
        block.write(0);
        text(block, name);
        text(block, value);
    }

    /** Lengths beyond 126 go on in groups of seven bits (RFC 7541, 5.1). */
    private static void text(ByteArrayOutputStream block, String text) {
        if (text.length() < 127) {
            block.write(text.length());
        } else {
            block.write(127);
            int rest = text.length() - 127;
            while (rest >= 128) {
                block.write(rest & 127 | 128);
                rest >>>= 7;
            }
            block.write(rest);
        }
        block.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
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
