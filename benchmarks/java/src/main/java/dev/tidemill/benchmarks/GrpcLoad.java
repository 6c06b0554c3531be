package dev.tidemill.benchmarks;

import com.google.protobuf.ByteString;
import dev.tidemill.spec.inference.GRPCInferenceServiceGrpc;
import dev.tidemill.spec.inference.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.tidemill.spec.inference.ModelInferRequest;
import dev.tidemill.spec.inference.ModelInferResponse;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Closed-loop load over gRPC: so many connections, each with one call under way. Prints calls a second, p50 and p99 in
 * milliseconds, failures, and the first output's first value.
 */
public final class GrpcLoad {
    private GrpcLoad() {}

    /** Arguments: address, model, connections, seconds, rows, columns. */
    public static void main(String[] arguments) throws InterruptedException {
        int connections = Integer.parseInt(arguments[2]);
        long nanos = Long.parseLong(arguments[3]) * 1_000_000_000L;
        int rows = Integer.parseInt(arguments[4]);
        int columns = Integer.parseInt(arguments[5]);
        ByteBuffer values = ByteBuffer.allocate(rows * columns * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 1; i <= rows * columns; i++) {
            values.putDouble(Math.round(Math.sin(i) * 1e4) / 1e4);
        }
        ModelInferRequest request = ModelInferRequest.newBuilder()
                .setModelName(arguments[1])
                .addInputs(ModelInferRequest.InferInputTensor.newBuilder()
                        .setName("input")
                        .setDatatype("FP64")
                        .addShape(rows)
                        .addShape(columns))
                .addRawInputContents(ByteString.copyFrom(values.flip()))
                .build();
        var failures = new AtomicInteger();
        List<long[]> latencies = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        long begin = System.nanoTime() + 2_000_000_000L;
        var first = new double[1];
        for (int i = 0; i < connections; i++) {
            threads.add(Thread.startVirtualThread(() -> {
                ManagedChannel channel = NettyChannelBuilder.forTarget(arguments[0]).usePlaintext().build();
                GRPCInferenceServiceBlockingStub stub = GRPCInferenceServiceGrpc.newBlockingStub(channel);
                long[] own = new long[1 << 20];
                int count = 0;
                for (long now = System.nanoTime(); now < begin + nanos; ) {
                    try {
                        ModelInferResponse answer = stub.modelInfer(request);
                        first[0] = value(answer);
                    } catch (RuntimeException e) {
                        failures.incrementAndGet();
                    }
                    long after = System.nanoTime();
                    if (now >= begin && count < own.length) {
                        own[count++] = after - now;
                    }
                    now = after;
                }
                synchronized (latencies) {
                    latencies.add(Arrays.copyOf(own, count));
                }
                channel.shutdownNow();
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        long[] all = latencies.stream().flatMapToLong(Arrays::stream).sorted().toArray();
        System.out.printf(
                "{\"rate\": %d, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"failures\": %d, \"first\": %.17g}%n",
                all.length * 1_000_000_000L / nanos,
                all[all.length / 2] / 1e6,
                all[all.length * 99 / 100] / 1e6,
                failures.get(),
                first[0]);
    }

    private static double value(ModelInferResponse answer) {
        if (answer.getRawOutputContentsCount() > 0) {
            return answer.getRawOutputContents(0).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).getDouble();
        }
        return answer.getOutputs(0).getContents().getFp64Contents(0);
    }
}
