package dev.tidemill.inference.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.RawTensors;
import dev.tidemill.inference.domain.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Inputs and outputs outside the heap, made once for a number of rows and used again: ONNX Runtime reads and writes them where
 * they are. Only for graphs whose every size but that of rows is known. Thread-safe: a slot is in one thread's hands at a time.
 */
final class OnnxSlots implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OnnxSlots.class);
    private static final int MOST_ROWS = 256;
    private static final int MOST_SIZES = 16;
    private static final int MOST_KEPT = 64;
    /** Largest slot, since many are kept. */
    private static final long MOST_BYTES = 1 << 20;

    private final OrtEnvironment environment;
    private final OnnxRuns runs;
    private final List<OnnxPort> inputs;
    private final List<OnnxPort> outputs;
    private final ConcurrentMap<Integer, ConcurrentLinkedQueue<Slot>> free = new ConcurrentHashMap<>();
    private final AtomicInteger kept = new AtomicInteger();
    private volatile boolean usable = true;

    OnnxSlots(OrtEnvironment environment, OnnxRuns runs, List<OnnxPort> inputs, List<OnnxPort> outputs) {
        this.environment = environment;
        this.runs = runs;
        this.inputs = inputs;
        this.outputs = outputs;
    }

    private final class Slot {
        private final List<ByteBuffer> given = new ArrayList<>();
        private final List<ByteBuffer> results = new ArrayList<>();
        private final Map<String, OnnxTensor> fed = new LinkedHashMap<>();
        private final Map<String, OnnxValue> pinned = new LinkedHashMap<>();

        private Slot(int rows) throws OrtException {
            for (OnnxPort port : inputs) {
                fed.put(port.fed(), tensor(port, rows, given));
            }
            for (OnnxPort port : outputs) {
                pinned.put(port.fed(), tensor(port, rows, results));
            }
        }

        private OnnxTensor tensor(OnnxPort port, int rows, List<ByteBuffer> buffers) throws OrtException {
            long[] shape = port.sized(rows);
            ByteBuffer buffer = OnnxTensors.buffer(port.carried(), shape);
            buffers.add(buffer);
            return OnnxTensors.over(environment, buffer, port.carried(), shape);
        }

        private List<Tensor> run(List<Tensor> tensors, int rows, Cancellation cancellation) throws OrtException {
            for (int i = 0; i < given.size(); i++) {
                OnnxTensors.fill(given.get(i), tensors.get(i), inputs.get(i).carried());
            }
            runs.run(fed, pinned, Set.of(), 0, cancellation).close();
            AnswerMemory.take(outputs.stream()
                    .mapToLong(port -> AnswerMemory.weight(port.datatype(), values(port.sized(rows))))
                    .sum());
            List<Tensor> answer = new ArrayList<>(outputs.size());
            for (int i = 0; i < outputs.size(); i++) {
                OnnxPort port = outputs.get(i);
                ByteBuffer result = results.get(i).clear();
                answer.add(RawTensors.read(port.name(), port.datatype(), port.sized(rows), result));
            }
            return answer;
        }

        private static long values(long[] shape) {
            return Arrays.stream(shape).reduce(1, (some, size) -> some * size);
        }

        private void close() {
            fed.values().forEach(OnnxTensor::close);
            pinned.values().forEach(OnnxValue::close);
        }
    }

    /**
     * Runs on a slot of that size; empty if there is none for it.
     *
     * @throws OrtException if the graph refuses the values, or gives other shapes than it says
     */
    Optional<List<Tensor>> run(List<Tensor> tensors, int rows, Cancellation cancellation) throws OrtException {
        boolean known = free.containsKey(rows);
        if (!usable
                || rows == 0
                || rows > MOST_ROWS
                || bytes(rows) > MOST_BYTES
                || !known && free.size() >= MOST_SIZES) {
            return Optional.empty();
        }
        ConcurrentLinkedQueue<Slot> queue = free.computeIfAbsent(rows, unused -> new ConcurrentLinkedQueue<>());
        Slot slot = queue.poll();
        if (slot == null) {
            slot = new Slot(rows);
        } else {
            kept.decrementAndGet();
        }
        try {
            List<Tensor> answer = slot.run(tensors, rows, cancellation);
            if (kept.incrementAndGet() <= MOST_KEPT) {
                queue.add(slot);
            } else {
                kept.decrementAndGet();
                slot.close();
            }
            return Optional.of(answer);
        } catch (OrtException | RuntimeException e) {
            slot.close();
            throw e;
        }
    }

    private long bytes(int rows) {
        return (widthOf(inputs) + widthOf(outputs)) * rows;
    }

    /** Bytes of a row. */
    private static long widthOf(List<OnnxPort> ports) {
        long bytes = 0;
        for (OnnxPort port : ports) {
            long row = port.carried().width();
            for (int i = 1; i < port.shape().length; i++) {
                // Saturates: what is so large is not kept anyway.
                row = Math.multiplyHigh(row, port.shape()[i]) != 0 ? MOST_BYTES : row * port.shape()[i];
            }
            bytes += Math.min(Math.max(0, row), MOST_BYTES);
        }
        return bytes;
    }

    /** Keeps nothing any more: the graph gives other shapes than it says. */
    void giveUp() {
        LOG.debug("Outputs are not kept for this model");
        usable = false;
    }

    @Override
    public void close() {
        usable = false;
        free.values().forEach(queue -> queue.forEach(Slot::close));
        free.clear();
    }
}
