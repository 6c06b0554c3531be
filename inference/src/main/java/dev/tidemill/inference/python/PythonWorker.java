package dev.tidemill.inference.python;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tidemill.inference.domain.AnswerMemory;
import dev.tidemill.inference.domain.CallContext;
import dev.tidemill.inference.domain.Cancellation;
import dev.tidemill.inference.domain.Datatype;
import dev.tidemill.inference.domain.ParameterSpec;
import dev.tidemill.inference.domain.Place;
import dev.tidemill.inference.domain.RawTensors;
import dev.tidemill.inference.domain.Tensor;
import dev.tidemill.inference.domain.TensorSpec;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.StorableText;
import dev.tidemill.platform.json.Json;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/** One child process with one model in it. Used by one caller at a time; {@link #close} may come from anywhere. */
final class PythonWorker implements AutoCloseable {
    private static final Duration START = Duration.ofMinutes(5);
    private static final int LARGEST_FRAME = 512 * 1024 * 1024;
    private static final int KEPT_LOG = 4_000;
    private static final int LAST_WORDS = 500;
    /** What a byte of JSON parses to at most. */
    private static final int TREE_BYTES = 40;

    private final Process process;
    private JsonNode told = MissingNode.getInstance();
    private final DataInputStream in;
    private final OutputStream out;
    private final StringBuilder log = new StringBuilder();
    private int calls;

    /** @param refusal why it was passed over unread; empty for one that was read */
    private record Frame(JsonNode header, byte[] body, Optional<TidemillException> refusal) {}

    /** @param length bytes of all the parts */
    private record Request(ObjectNode header, int length, List<ByteBuffer> parts) {}

    private PythonWorker(Process process) {
        this.process = process;
        this.in = new DataInputStream(new java.io.BufferedInputStream(process.getInputStream(), 1 << 16));
        this.out = new BufferedOutputStream(process.getOutputStream(), 1 << 16);
        Thread.ofVirtual().name("python-log-" + process.pid()).start(this::keepLog);
    }

    /**
     * Starts a process and waits until its model is loaded.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} with the model's own words if it cannot be loaded
     */
    static PythonWorker start(
            Path interpreter,
            Path script,
            PythonForm form,
            Path model,
            int memoryMegabytes,
            Isolation isolation,
            Isolation.Needs needs) {
        // Isolated from the caller's folder and variables, no bytecode written, no buffers.
        List<String> command = List.of(
                interpreter.toString(),
                "-I",
                "-B",
                "-u",
                script.toString(),
                model.toString(),
                String.valueOf(memoryMegabytes),
                form.argument());
        var builder = new ProcessBuilder(isolation.wrap(command, needs));
        builder.directory(model.toFile());
        ChildEnvironment.restrictWorker(builder, needs.network());
        builder.environment().put("TIDEMILL_PROCESSES", String.valueOf(isolation.processes()));
        PythonWorker worker;
        try {
            worker = new PythonWorker(builder.start());
        } catch (IOException e) {
            throw new TidemillException(ErrorCode.FAILED_PRECONDITION, "Python cannot be started: " + e.getMessage())
                    .causedBy(e);
        }
        try {
            JsonNode first = worker.within(START, worker::read).header();
            if (!first.path("ready").asBoolean()) {
                throw new TidemillException(
                        ErrorCode.FAILED_PRECONDITION,
                        "the model cannot be loaded: " + first.path("failed").asText());
            }
            worker.told = first;
            return worker;
        } catch (IOException e) {
            worker.close();
            throw new TidemillException(
                            ErrorCode.FAILED_PRECONDITION, "its process ended while it was loaded" + worker.ending())
                    .causedBy(e);
        } catch (TidemillException e) {
            worker.close();
            throw e;
        }
    }

    /**
     * What the model itself says that it takes or gives; empty if it says nothing.
     *
     * @param side {@code inputs} or {@code outputs}
     */
    List<TensorSpec> specs(String side) {
        List<TensorSpec> specs = new ArrayList<>();
        for (JsonNode one : told.path(side)) {
            List<Long> shape = new ArrayList<>();
            one.path("shape").forEach(size -> shape.add(size.asLong()));
            String name = one.path("name").asText();
            specs.add(
                    new TensorSpec(name, Datatype.of(name, one.path("datatype").asText()), shape, false));
        }
        return specs;
    }

    /** Names of a classifier's classes in the order of its probabilities; empty for any other model. */
    List<String> classes() {
        List<String> classes = new ArrayList<>();
        told.path("classes").forEach(name -> classes.add(name.asText()));
        return classes;
    }

    /** Parameters that the model itself declares. */
    List<ParameterSpec> parameters() {
        List<ParameterSpec> specs = new ArrayList<>();
        for (JsonNode one : told.path("parameters")) {
            specs.add(new ParameterSpec(
                    one.path("name").asText(),
                    ParameterSpec.Type.valueOf(one.path("type").asText().toUpperCase(Locale.ROOT)),
                    one.path("list").asBoolean()));
        }
        return specs;
    }

    private void keepLog() {
        try (var errors = process.errorReader(StandardCharsets.UTF_8)) {
            char[] some = new char[1024];
            int read;
            while ((read = errors.read(some)) > 0) {
                synchronized (log) {
                    log.append(some, 0, read);
                    log.delete(0, Math.max(0, log.length() - KEPT_LOG));
                }
            }
        } catch (IOException e) {
            // The process is gone.
        }
    }

    /** How the process ended and what it said last. */
    private String ending() {
        try {
            process.waitFor(2, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        String code = process.isAlive() ? "" : " with code " + process.exitValue();
        synchronized (log) {
            String text = StorableText.tail(log.toString().strip(), LAST_WORDS);
            return code + (text.isEmpty() ? "" : ": " + text);
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Resident bytes now; 0 where the system does not tell. */
    long bytes() {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants())
                .mapToLong(handle -> bytes(handle.pid()))
                .sum();
    }

    private static long bytes(long pid) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc", String.valueOf(pid), "status"))) {
                if (line.startsWith("VmRSS:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
        } catch (IOException e) {
            // Not on this system, or just gone.
        }
        return 0;
    }

    /**
     * Predicts. A call that nobody waits for any more is ended, unless its library does not let itself be interrupted; then it
     * runs to its end.
     *
     * @throws TidemillException what {@link Cancellation#exception} gives of a call that was ended; what the model says against its input ({@code INVALID_ARGUMENT}) or of itself ({@code
     *     INTERNAL}). After anything else, such as {@code TIMEOUT} or a frame that is not the answer to this call, the process is gone
     */
    List<Tensor> predict(List<Tensor> inputs, CallContext context, Duration patience) {
        int call = ++calls;
        Request request = request(call, inputs, context);
        boolean inStep = false;
        try {
            Frame answer = within(patience, () -> {
                send(request);
                try (var notice = context.cancellation().onCancel(() -> end(call))) {
                    return read();
                }
            });
            inStep = answer.refusal().isPresent();
            if (inStep) {
                throw answer.refusal().get();
            }
            int answered = answer.header().path("call").asInt();
            if (answered != call) {
                throw new TidemillException(
                        ErrorCode.INTERNAL,
                        "The model's process answered call " + answered + " where call " + call + " was asked");
            }
            inStep = true;
            JsonNode failed = answer.header().path("failed");
            if (!failed.isMissingNode()) {
                String kind = answer.header().path("kind").asText();
                if (kind.equals("ended")) {
                    throw context.cancellation().exception();
                }
                boolean input = kind.equals("input");
                throw new TidemillException(
                        input ? ErrorCode.INVALID_ARGUMENT : ErrorCode.INTERNAL,
                        "The model answered: " + failed.asText());
            }
            return tensors(answer);
        } catch (IOException e) {
            close();
            throw new TidemillException(ErrorCode.INTERNAL, "The model's process ended while it predicted" + ending())
                    .causedBy(e);
        } finally {
            if (!inStep) {
                // Whatever it was, what is left of the answer would be taken for the next caller's.
                close();
            }
        }
    }

    private interface Exchange {
        Frame run() throws IOException;
    }

    /** Runs an exchange; beyond the time the process is killed, which ends the exchange. */
    private Frame within(Duration patience, Exchange exchange) throws IOException {
        var over = new AtomicBoolean();
        Thread guard = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(patience);
                over.set(true);
                close();
            } catch (InterruptedException e) {
                // In time.
            }
        });
        try {
            return exchange.run();
        } catch (IOException e) {
            if (over.get()) {
                throw new TidemillException(
                                ErrorCode.TIMEOUT, "The model did not answer within " + patience.toSeconds() + " s")
                        .causedBy(e);
            }
            throw e;
        } finally {
            guard.interrupt();
        }
    }

    /** Asks the process to end a call, unless it has. */
    private void end(int call) {
        try {
            send(new Request(Json.object().put("end", call), 0, List.of()));
        } catch (IOException e) {
            // The process is gone, and the call with it.
        }
    }

    private static Request request(int call, List<Tensor> inputs, CallContext context) {
        ObjectNode header = Json.object().put("call", call);
        if (!context.parameters().isEmpty()) {
            header.set("parameters", Json.tree(context.parameters()));
        }
        ArrayNode list = header.putArray("inputs");
        List<ByteBuffer> parts = new ArrayList<>();
        int length = 0;
        for (Tensor input : inputs) {
            Tensor sent = input.datatype() == Datatype.BF16 ? widened(input) : input;
            ByteBuffer part = RawTensors.write(sent);
            parts.add(part);
            length = Math.addExact(length, part.remaining());
            ObjectNode told = list.addObject()
                    .put("name", sent.name())
                    .put("datatype", sent.datatype().name())
                    .put("length", part.remaining());
            ArrayNode shape = told.putArray("shape");
            for (long size : sent.shape()) {
                shape.add(size);
            }
            if (sent.datatype() == Datatype.BYTES) {
                missing(sent, told);
            }
        }
        return new Request(header, length, parts);
    }

    private synchronized void send(Request request) throws IOException {
        byte[] text = Json.write(request.header()).getBytes(StandardCharsets.UTF_8);
        ByteBuffer lengths = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        out.write(lengths.putInt(text.length).putInt(request.length()).array());
        out.write(text);
        for (ByteBuffer part : request.parts()) {
            out.write(part.array(), 0, part.remaining());
        }
        out.flush();
    }

    private static void missing(Tensor input, ObjectNode told) {
        ArrayNode list = Json.array();
        for (int i = 0; i < input.size(); i++) {
            if (input.text(i) == null) {
                list.add(i);
            }
        }
        if (!list.isEmpty()) {
            told.set("missing", list);
        }
    }

    private static Tensor widened(Tensor input) {
        double[] values = new double[input.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = input.number(i);
        }
        return Tensor.numbers(input.name(), Datatype.FP32, input.shape(), values);
    }

    private Frame read() throws IOException {
        int text = Integer.reverseBytes(in.readInt());
        int body = Integer.reverseBytes(in.readInt());
        if (text < 0 || body < 0 || text > LARGEST_FRAME || body > LARGEST_FRAME) {
            throw new EOFException("a frame of " + text + " and " + body + " bytes");
        }
        try {
            AnswerMemory.take((long) TREE_BYTES * text + body);
        } catch (TidemillException refusal) {
            // Passed over, so that the next frame is the next call's.
            in.skipNBytes((long) text + body);
            return new Frame(MissingNode.getInstance(), new byte[0], Optional.of(refusal));
        }
        byte[] header = new byte[text];
        in.readFully(header);
        byte[] content = new byte[body];
        in.readFully(content);
        // Names and labels of a model's answer are any text, as those of its input are.
        return new Frame(Json.parseOwnObject(header), content, Optional.empty());
    }

    private static List<Tensor> tensors(Frame answer) {
        List<Tensor> tensors = new ArrayList<>();
        int at = 0;
        // Many small outputs are together as large as one: who joins calls gives back the sum.
        AnswerMemory.take(weight(answer.header().path("outputs")));
        for (JsonNode told : answer.header().path("outputs")) {
            String name = told.path("name").asText();
            long[] shape = shape(told);
            int length = told.path("length").asInt();
            Datatype datatype = Datatype.of(name, told.path("datatype").asText());
            Tensor read = RawTensors.read(name, datatype, shape, ByteBuffer.wrap(answer.body(), at, length));
            if (told.path("json").asBoolean()) {
                read = read.asJson();
            }
            if (told.path("binary").asBoolean()) {
                read = read.asBinary();
            }
            if (told.has("missing")) {
                read = read.without(Json.objectMapper().convertValue(told.path("missing"), int[].class));
            }
            if (told.has("place")) {
                JsonNode place = told.path("place");
                read = read.placed(new Place(
                        Place.Container.valueOf(place.path("in").asText().toUpperCase(Locale.ROOT)),
                        place.path("label").asText(),
                        place.path("lone").asBoolean()));
            }
            tensors.add(read);
            at += length;
        }
        return tensors;
    }

    private static long[] shape(JsonNode told) {
        long[] shape = new long[told.path("shape").size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = told.path("shape").get(i).asLong();
        }
        return shape;
    }

    /** Bytes of all outputs of an answer as tensors. */
    static long weight(JsonNode outputs) {
        long bytes = 0;
        for (JsonNode told : outputs) {
            int length = told.path("length").asInt();
            if (length < 0) {
                throw broken(told, "length " + length);
            }
            Datatype datatype = Datatype.of(
                    told.path("name").asText(), told.path("datatype").asText());
            bytes += datatype == Datatype.BYTES
                    ? AnswerMemory.weight(datatype, values(told)) + length
                    : AnswerMemory.weight(datatype, length / datatype.width());
        }
        return bytes;
    }

    /** Of an output whose code is anybody's: each has its own bound, so that their sum is not below what the largest takes. */
    private static long values(JsonNode told) {
        long values = 1;
        for (long size : shape(told)) {
            if (size < 0 || (size > 0 && values > Integer.MAX_VALUE / size)) {
                throw broken(told, "shape " + told.path("shape"));
            }
            values *= size;
        }
        return values;
    }

    private static TidemillException broken(JsonNode told, String what) {
        return new TidemillException(
                ErrorCode.INTERNAL,
                "The model answers '" + told.path("name").asText() + "' with " + what + ", which no tensor has");
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
